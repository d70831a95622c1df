import { Menu, Stack, Text, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import {
  IconCheck,
  IconDeviceDesktop,
  IconLogout,
  IconMoon,
  IconSelector,
  IconSun,
  IconUser,
  IconUsers,
} from '../components/icons.ts';
import { clearSessionData, useMe } from '../session.ts';
import styles from './shell.module.css';
import { strings } from './strings.ts';

const COLOR_SCHEMES = [
  { scheme: 'light', label: strings.accountMenu.light, Icon: IconSun },
  { scheme: 'dark', label: strings.accountMenu.dark, Icon: IconMoon },
  { scheme: 'auto', label: strings.accountMenu.system, Icon: IconDeviceDesktop },
] as const;

/** The signed-in person's menu: account, people (for operators), color scheme, sign out. */
export function AccountMenu() {
  const me = useMe();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();

  async function signOut() {
    // Even if the request fails, the session's data is removed from the page.
    await api.sessions.deleteCurrent().catch(() => undefined);
    clearSessionData();
    await navigate({ to: '/sign-in', search: {} });
  }

  return (
    <Menu position="top-start" width={228}>
      <Menu.Target>
        <UnstyledButton className={styles['menuButton']}>
          <span className="visually-hidden">{strings.accountMenu.accountPrefix}</span>
          <Stack gap={0} flex={1} miw={0}>
            <Text fz="sm" fw={600} truncate>
              <bdi>{me.name}</bdi>
            </Text>
            <Text fz="xs" c="dimmed" truncate>
              {me.email}
            </Text>
          </Stack>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconUser size={16} />} onClick={() => void navigate({ to: '/account' })}>
          {strings.accountMenu.yourAccount}
        </Menu.Item>
        {me.operator && (
          <Menu.Item leftSection={<IconUsers size={16} />} onClick={() => void navigate({ to: '/people' })}>
            {strings.accountMenu.peopleOnThisServer}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Label>{strings.accountMenu.theme}</Menu.Label>
        {COLOR_SCHEMES.map(({ scheme, label, Icon }) => (
          <Menu.Item
            key={scheme}
            leftSection={<Icon size={16} />}
            rightSection={
              colorScheme === scheme ? <IconCheck size={16} aria-label={strings.accountMenu.selected} /> : null
            }
            onClick={() => setColorScheme(scheme)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          {strings.accountMenu.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
