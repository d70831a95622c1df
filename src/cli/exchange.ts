import { openClient, serverUrl } from './connect.ts';
import { environmentSetting } from './environment-setting.ts';
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

/** Exchanges the identity token of the job; with `DEVPILOT_TOKEN` and no `--identity`, that access token. */
function exchangeCredential(options: ExchangeOptions) {
  const { scope, expires } = options;
  const scopeField = scope === undefined ? {} : { scope: scope.join(' ') };
  const parameters = { ...scopeField, ...readLifetime(expires), ...readRestrictions(options) };
  const identity = options.identity ?? environmentSetting('DEVPILOT_WORKLOAD_IDENTITY');
  const environmentToken = environmentSetting('DEVPILOT_TOKEN');
  if (options.identity === undefined && environmentToken !== undefined) {
    const passphrase = environmentSetting('DEVPILOT_PASSPHRASE');
    return openClient(options, null).exchangeToken({
      subject_token: environmentToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...(passphrase !== undefined && { passphrase }),
      ...parameters,
    });
  }
  if (identity === undefined)
    throw new Failure('Set the workload identity with --identity or DEVPILOT_WORKLOAD_IDENTITY.');
  return exchangeForIdentity(identity, options, parameters);
}

/**
 * Returns the environment of this process with the new token, and without the credentials that were exchanged for it.
 */
function commandEnvironment(secret: string, options: ExchangeOptions): NodeJS.ProcessEnv {
  const { DEVPILOT_PASSPHRASE: _passphrase, ...environment } = process.env;
  return { ...withoutIdentityTokens(environment), DEVPILOT_URL: serverUrl(options), DEVPILOT_TOKEN: secret };
}

/**
 * Exchanges a token for an access token. Without a command, prints only the access token to standard output. With a
 * command, runs it with `DEVPILOT_TOKEN` set, revokes the token when the command has ended, and exits like the command.
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
