import { Page } from '../components/page.tsx';

export function ActivityLogPage() {
  return <Page title="Activity log">{null}</Page>;
}
