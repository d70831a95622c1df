import type { ExchangedToken } from '../contract/oauth.ts';
import type { Client, ExchangeRequest } from '../sdk/client.ts';
import { connect, openClient, type RemoteOptions, serverUrl } from './connect.ts';
import { environmentSetting } from './environment-setting.ts';
import { readIdentityToken } from './identity-token.ts';
import { printNote } from './output.ts';
import { holdRenewedToken } from './renewed-token.ts';

export interface WorkloadTokenOptions extends RemoteOptions {
  readonly audience?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * Exchanges the identity token of the job for an access token of a workload identity. `previousExchanges` is the number
 * of exchanges that this process has attempted before.
 */
export async function exchangeForIdentity(
  identity: string,
  options: WorkloadTokenOptions,
  parameters: Pick<ExchangeRequest, 'scope' | 'expires_in' | 'restrictions'> = {},
  previousExchanges = 0,
): Promise<ExchangedToken> {
  const token = await readIdentityToken(options.audience ?? serverUrl(options), options.tokenFile, previousExchanges);
  return openClient(options, null).exchangeToken({
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    resource: identity,
    ...parameters,
  });
}

/** Revokes a token that is no longer needed. A failure is only a note, because the token soon expires. */
export async function revokeToken(secret: string, options: RemoteOptions): Promise<void> {
  try {
    await openClient(options, null).revoke({ token: secret });
  } catch {
    printNote('The access token could not be revoked. It stops working when it expires.', options);
  }
}

/**
 * Runs `work` with an authenticated client. If `DEVPILOT_WORKLOAD_IDENTITY` is set and `DEVPILOT_TOKEN` is not, the
 * credential is an access token for this job, which is replaced before it expires and revoked when the work is done.
 */
export async function withClient<Result>(
  options: RemoteOptions,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const identity = environmentSetting('DEVPILOT_WORKLOAD_IDENTITY');
  if (identity === undefined || environmentSetting('DEVPILOT_TOKEN') !== undefined) return work(connect(options));
  let exchanges = 0;
  const token = await holdRenewedToken(
    () => exchangeForIdentity(identity, options, {}, exchanges++),
    (error) => printNote(`The access token could not be replaced: ${(error as Error).message}`, options),
  );
  try {
    return await work(openClient(options, token.secret));
  } finally {
    for (const secret of await token.end()) await revokeToken(secret, options);
  }
}
