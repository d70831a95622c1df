import { Page } from '../components/page.tsx';

export function CredentialPage() {
  return <Page title="Credential">{null}</Page>;
}
