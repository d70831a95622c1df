import { CredentialsPage } from '../credentials/credentials-page.tsx';
import { ACCESS_TOKENS } from '../credentials/kinds.ts';

export function AccessTokensPage() {
  return <CredentialsPage kind={ACCESS_TOKENS} />;
}
