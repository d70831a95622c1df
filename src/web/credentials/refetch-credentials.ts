import { queryClient } from '../api.ts';
import { type CredentialKindConfig, credentialsKey } from './kinds.ts';

/** Carries the keys of queries whose results have changed to the browser's other tabs. */
const channel = new BroadcastChannel('devpilot.credentials');
channel.addEventListener('message', ({ data }: MessageEvent<readonly unknown[]>) => {
  void queryClient.invalidateQueries({ queryKey: data });
});

/** Refetches the displayed credentials of a kind after a change, in this tab and in all others. */
export async function refetchCredentials(workspaceId: string, kind: CredentialKindConfig): Promise<void> {
  const queryKey = credentialsKey(workspaceId, kind);
  channel.postMessage(queryKey);
  await queryClient.invalidateQueries({ queryKey });
}
