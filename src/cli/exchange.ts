import { environmentSetting, openClient, serverUrl } from './connect.ts';
import { exchangeForIdentity, revokeToken, type WorkloadTokenOptions } from './exchange-token.ts';
import { Failure } from './failure.ts';
import { withoutIdentityTokens } from './identity-token.ts';
import { parseDuration } from './input.ts';
import { print, printJson } from './output.ts';
import { type RestrictionOptions, readRestrictions } from './restriction-options.ts';
import { exitLike, runCommand } from './run-command.ts';

export interface ExchangeOptions extends WorkloadTokenOptions, RestrictionOptions {
  readonly identity: string | undefined;
  readonly scope: readonly string[] | undefined;
  readonly expires: string | undefined;
}

function readLifetime(text: string | undefined): { expires_in?: number } {
  if (text === undefined) return {};
  const lifetimeMs = parseDuration(text);
  if (lifetimeMs === null) throw new Failure('--expires must be a duration such as 10m or 1h.');
  return { expires_in: lifetimeMs / 1000 };
}

/** The identity token of the job is exchanged unless only `DEVPILOT_TOKEN` is set: then that token, for a narrower one. */
function exchangeCredential(options: ExchangeOptions) {
  const { scope, expires } = options;
  const scopeField = scope === undefined ? {} : { scope: scope.join(' ') };
  const more = { ...scopeField, ...readLifetime(expires), ...readRestrictions(options) };
  const identity = options.identity ?? environmentSetting('DEVPILOT_WORKLOAD_IDENTITY');
  const held = environmentSetting('DEVPILOT_TOKEN');
  if (options.identity === undefined && held !== undefined) {
    const passphrase = environmentSetting('DEVPILOT_PASSPHRASE');
    return openClient(options, null).exchangeToken({
      subject_token: held,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...(passphrase !== undefined && { passphrase }),
      ...more,
    });
  }
  if (identity === undefined)
    throw new Failure('Name the workload identity: --identity or DEVPILOT_WORKLOAD_IDENTITY.');
  return exchangeForIdentity(identity, options, more);
}

/** The variables of this process, with the new token instead of what it was exchanged for. */
function commandEnvironment(secret: string, options: ExchangeOptions): NodeJS.ProcessEnv {
  const { DEVPILOT_PASSPHRASE: _passphrase, ...rest } = process.env;
  return { ...withoutIdentityTokens(rest), DEVPILOT_URL: serverUrl(options), DEVPILOT_TOKEN: secret };
}

/**
 * Exchanges for an access token. Without a command, prints only the token to standard output. With one, runs it with
 * `DEVPILOT_TOKEN` set, revokes the token when it has ended, and ends the same way.
 */
export async function exchange(command: readonly string[], options: ExchangeOptions): Promise<void> {
  const issued = await exchangeCredential(options);
  if (command.length === 0) {
    return options.json === true ? printJson(issued) : print(`${issued.access_token}\n`);
  }
  const environment = commandEnvironment(issued.access_token, options);
  const result = await runCommand(command, environment).finally(() => revokeToken(issued.access_token, options));
  exitLike(result);
}
