import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { Section } from '../components/section.tsx';
import { forgetPerson } from '../session.ts';
import { ProveForm } from './prove.tsx';

/** The end of the account. */
export function DeleteAccountSection() {
  const navigate = useNavigate();
  const [opened, { open, close }] = useDisclosure();
  return (
    <Section
      title="Delete account"
      description="You leave every workspace. Access tokens and API keys that you created go on working, and activity logs keep your name."
      tone="bad"
      actions={
        <Button className="button-bad" onClick={open}>
          Delete account…
        </Button>
      }
    >
      <Dialog opened={opened} onClose={close} title="Delete account">
        <ProveForm
          confirm="Delete account"
          tone="bad"
          onCancel={close}
          onProven={async (proof) => {
            await api.me.delete(proof);
            forgetPerson();
            notifications.show({ message: 'Your account is deleted.' });
            await navigate({ to: '/sign-in', search: {} });
          }}
        >
          This cannot be undone. Whoever owns a workspace hands it over or deletes it first.
        </ProveForm>
      </Dialog>
    </Section>
  );
}
