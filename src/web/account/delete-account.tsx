import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import { DangerSection } from '../components/danger-section.tsx';
import { Dialog } from '../components/dialog.tsx';
import { clearSessionData } from '../session.ts';
import { ReauthenticationForm } from './reauthentication-form.tsx';

export function DeleteAccountSection() {
  const navigate = useNavigate();
  return (
    <DangerSection
      title="Delete account"
      description="You leave every workspace. Access tokens and API keys you created keep working, and your name stays in activity logs."
    >
      {(close) => (
        <Dialog onClose={close} title="Delete account">
          <ReauthenticationForm
            submitLabel="Delete account"
            tone="bad"
            onCancel={close}
            onReauthenticated={async (proof) => {
              await api.me.delete(proof);
              clearSessionData();
              notifications.show({ message: 'Account deleted' });
              await navigate({ to: '/sign-in', search: {} });
            }}
          >
            This cannot be undone. If you own a workspace, transfer or delete it first.
          </ReauthenticationForm>
        </Dialog>
      )}
    </DangerSection>
  );
}
