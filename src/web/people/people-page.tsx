import { ActionIcon, Menu, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { PasswordResetLink } from '../../contract/password-resets.ts';
import type { Account } from '../../contract/people.ts';
import { api, getErrorMessage, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import { type Column, DataTable } from '../components/data-table.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FilterBar, SearchField } from '../components/filters.tsx';
import { IconDots, IconKey, IconLock, IconLogout, IconShieldCheck } from '../components/icons.ts';
import { useListState } from '../components/list-state.ts';
import { Notice, Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ErrorState, TableSkeleton } from '../components/states.tsx';
import { EndSessionsDialog } from '../members/end-sessions-dialog.tsx';
import { meQuery, useMe } from '../session.ts';

type OpenDialog =
  | { readonly disable: Account }
  | { readonly end: Account }
  | { readonly link: PasswordResetLink; readonly account: Account };

const PEOPLE_KEY = ['people'];

async function invalidatePeople(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: PEOPLE_KEY });
  await queryClient.invalidateQueries({ queryKey: meQuery.queryKey });
}

const COLUMNS: readonly Column<Account>[] = [
  {
    key: 'name',
    label: 'Name',
    cell: ({ name, email, operator, disabled }) => (
      <>
        <Text fz="sm" fw={600} component="div">
          {name} {operator && <Tag tone="good">Operator</Tag>} {disabled && <Tag tone="bad">Disabled</Tag>}
        </Text>
        <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {email}
        </Text>
      </>
    ),
  },
  { key: 'workspaces', label: 'Workspaces', cell: ({ workspaces }) => workspaces, align: 'right' },
  { key: 'twoFactor', label: 'Two-factor', cell: ({ twoFactor }) => (twoFactor ? 'On' : 'Off') },
  {
    key: 'lastUsedAt',
    label: 'Last used',
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'Not signed in' : <RelativeTime time={lastUsedAt} />),
  },
];

function PersonMenu({ account, open }: { readonly account: Account; readonly open: (dialog: OpenDialog) => void }) {
  const onError = (error: Error) => notifications.show({ color: 'red', message: getErrorMessage(error) });
  const change = useMutation({
    mutationFn: (body: { disabled?: boolean; operator?: boolean }) => api.people.update(account.id, body),
    onError,
    onSuccess: invalidatePeople,
  });
  const reset = useMutation({
    mutationFn: () => api.people.createPasswordReset(account.id),
    onError,
    onSuccess: (link) => open({ link, account }),
  });
  const { name, operator, disabled } = account;
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${name}`} loading={change.isPending}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconKey size={16} />} disabled={disabled} onClick={() => reset.mutate()}>
          Create password reset link
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => open({ end: account })}>
          End all sessions…
        </Menu.Item>
        <Menu.Item leftSection={<IconShieldCheck size={16} />} onClick={() => change.mutate({ operator: !operator })}>
          {operator ? 'Remove operator role' : 'Make operator'}
        </Menu.Item>
        <Menu.Divider />
        {disabled ? (
          <Menu.Item leftSection={<IconLock size={16} />} onClick={() => change.mutate({ disabled: false })}>
            Enable
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<IconLock size={16} />} c="var(--app-bad)" onClick={() => open({ disable: account })}>
            Disable…
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** All people of the installation. For operators. */
export function PeoplePage() {
  const me = useMe();
  const state = useListState();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: [...PEOPLE_KEY, state.get('q'), state.cursor],
    queryFn: ({ signal }) => api.people.list({ limit: 50, cursor: state.cursor, q: state.get('q') }, { signal }),
    placeholderData: keepPreviousData,
    enabled: me.operator,
  });
  return (
    <Page title="People" description="Everyone with an account on this server. Operators manage accounts here.">
      {me.operator ? (
        <Stack gap="md">
          <FilterBar state={state} filters={['q']}>
            <SearchField state={state} label="Search by name or email" />
          </FilterBar>
          {data !== undefined ? (
            <DataTable
              label="People"
              columns={COLUMNS}
              rows={data.data}
              rowId={({ id }) => id}
              rowName={({ name }) => name}
              nextCursor={data.nextCursor}
              state={state}
              stale={isPlaceholderData}
              renderRowActions={(account) => <PersonMenu account={account} open={setDialog} />}
            />
          ) : error !== null ? (
            <ErrorState error={error} retry={() => void refetch()} />
          ) : (
            <TableSkeleton rows={4} />
          )}
        </Stack>
      ) : (
        <Notice tone="warn">Only operators of this server can view this page.</Notice>
      )}
      {dialog !== null && 'end' in dialog && (
        <EndSessionsDialog
          name={dialog.end.name}
          onClose={close}
          end={() => api.people.endSessions(dialog.end.id).then(invalidatePeople)}
        />
      )}
      {dialog !== null && 'disable' in dialog && (
        <ConfirmDialog
          opened
          onClose={close}
          title="Disable account"
          confirmLabel="Disable"
          onConfirm={() => api.people.update(dialog.disable.id, { disabled: true }).then(invalidatePeople)}
        >
          {dialog.disable.name} is signed out everywhere and cannot sign in until an operator enables the account.
          Pending invitations they sent are revoked. Access tokens and API keys they created keep working.
        </ConfirmDialog>
      )}
      <Dialog opened={dialog !== null && 'link' in dialog} onClose={close} title="Password reset link">
        {dialog !== null && 'link' in dialog && (
          <Stack gap="md">
            <Text fz="sm">
              Give this link to {dialog.account.name}. It can be used once and expires{' '}
              <RelativeTime time={dialog.link.expiresAt} />.
            </Text>
            <Text fz="sm" className="mono" id="reset-link" style={{ overflowWrap: 'anywhere' }}>
              {dialog.link.url}
            </Text>
            <CopyButton text={dialog.link.url} label="Copy link" sourceElementId="reset-link" />
          </Stack>
        )}
      </Dialog>
    </Page>
  );
}
