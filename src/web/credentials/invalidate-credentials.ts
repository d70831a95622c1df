import { queryClient } from '../api.ts';
import { type CredentialKindConfig, credentialsKey } from './kinds.ts';

/** To the other tabs of the browser: the key of queries whose results have changed. */
const channel = new BroadcastChannel('devpilot.credentials');
channel.addEventListener('message', ({ data }: MessageEvent<readonly unknown[]>) => {
  void queryClient.invalidateQueries({ queryKey: data });
});

/** Reads the shown credentials of a kind again after a change, in this tab and in the others. */
export async function invalidateCredentials(workspaceId: string, kind: CredentialKindConfig): Promise<void> {
  const queryKey = credentialsKey(workspaceId, kind);
  channel.postMessage(queryKey);
  await queryClient.invalidateQueries({ queryKey });
}
