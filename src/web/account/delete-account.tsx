import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api.ts';
import { DangerSection } from '../components/danger-section.tsx';
import { Dialog } from '../components/dialog.tsx';
import { clearSessionData } from '../session.ts';
import { ReauthenticationForm } from './reauthentication-form.tsx';
import { strings } from './strings.ts';

export function DeleteAccountSection() {
  const navigate = useNavigate();
  return (
    <DangerSection title={strings.deleteAccount.title} description={strings.deleteAccount.description}>
      {(close) => (
        <Dialog onClose={close} title={strings.deleteAccount.title}>
          <ReauthenticationForm
            submitLabel={strings.deleteAccount.title}
            isDestructive
            onCancel={close}
            onReauthenticated={async (proof) => {
              await api.me.delete(proof);
              clearSessionData();
              notifications.show({ message: strings.deleteAccount.deleted });
              await navigate({ to: '/sign-in', search: {} });
            }}
          >
            {strings.deleteAccount.consequences}
          </ReauthenticationForm>
        </Dialog>
      )}
    </DangerSection>
  );
}
