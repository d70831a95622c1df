import { Page } from '../components/page.tsx';

export function AccessTokensPage() {
  return <Page title="Access Tokens">{null}</Page>;
}
