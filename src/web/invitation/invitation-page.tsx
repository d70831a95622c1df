import { Centre } from '../shell/centre.tsx';

export function InvitationPage() {
  return <Centre title="Accept your invitation" />;
}
