import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { environmentSetting } from './environment-setting.ts';
import { Failure } from './failure.ts';
import { readFileBytes } from './files.ts';

/** Path at which a pod mounts its projected service account token, as in `docs/guides/keyless.md`. */
const PROJECTED_TOKEN_FILE = '/var/run/secrets/devpilot/token';
const TOKEN_VARIABLE = /^DEVPILOT_ID_TOKEN(?:_\d+)?$/;
const REQUEST_TIMEOUT_MS = 30_000;

const readTokenFile = (file: string): string => readFileBytes(file).toString().trim();

/** Requests an identity token from GitHub Actions. The job must have the permission `id-token: write`. */
async function requestFromGitHub(url: string, bearer: string, audience: string): Promise<string> {
  const target = new URL(url);
  target.searchParams.set('audience', audience);
  const response = await fetch(target, {
    headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new Failure(`GitHub issued no token: ${(error as Error).message}`);
  });
  const body = (await response.json().catch(() => null)) as { value?: unknown } | null;
  if (!response.ok || typeof body?.value !== 'string') {
    throw new Failure(`GitHub issued no token (status ${response.status}).`);
  }
  return body.value;
}

async function requestFromBuildkite(audience: string): Promise<string> {
  const { stdout } = await promisify(execFile)('buildkite-agent', ['oidc', 'request-token', '--audience', audience], {
    timeout: REQUEST_TIMEOUT_MS,
  }).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`buildkite-agent issued no token: ${error.code ?? error.message}.`);
  });
  return stdout.trim();
}

/**
 * Returns the value of `DEVPILOT_ID_TOKEN`; for later exchanges, of `DEVPILOT_ID_TOKEN_2` and so on, because each token
 * is accepted only once. Undefined if `DEVPILOT_ID_TOKEN` is not set. Throws `Failure` if the variable for a later
 * exchange is not set.
 */
function readTokenVariable(previousExchanges: number): string | undefined {
  if (environmentSetting('DEVPILOT_ID_TOKEN') === undefined) return undefined;
  const name = previousExchanges === 0 ? 'DEVPILOT_ID_TOKEN' : `DEVPILOT_ID_TOKEN_${previousExchanges + 1}`;
  const token = environmentSetting(name);
  if (token !== undefined) return token;
  throw new Failure(`The job has no other identity token to exchange: ${name} is not set.`);
}

/**
 * Returns the identity token of the CI job or pod that runs this process, from the first available source: `tokenFile`,
 * `DEVPILOT_ID_TOKEN`, the variable of CircleCI, GitHub Actions, Buildkite, or the projected token of Kubernetes.
 * `previousExchanges` is the number of exchanges that this process has already attempted. Throws `Failure` if there is
 * no token.
 */
export async function readIdentityToken(
  audience: string,
  tokenFile: string | undefined,
  previousExchanges: number,
): Promise<string> {
  if (tokenFile !== undefined) return readTokenFile(tokenFile);
  const token = readTokenVariable(previousExchanges) ?? environmentSetting('CIRCLE_OIDC_TOKEN_V2');
  if (token !== undefined) return token;
  const url = environmentSetting('ACTIONS_ID_TOKEN_REQUEST_URL');
  const bearer = environmentSetting('ACTIONS_ID_TOKEN_REQUEST_TOKEN');
  if (url !== undefined && bearer !== undefined) return requestFromGitHub(url, bearer, audience);
  if (environmentSetting('BUILDKITE') === 'true') return requestFromBuildkite(audience);
  if (existsSync(PROJECTED_TOKEN_FILE)) return readTokenFile(PROJECTED_TOKEN_FILE);
  if (environmentSetting('GITHUB_ACTIONS') === 'true')
    throw new Failure('The job has no identity token: grant it the permission "id-token: write".');
  if (environmentSetting('GITLAB_CI') === 'true')
    throw new Failure(`The job has no identity token: add id_tokens with DEVPILOT_ID_TOKEN and aud: ${audience}.`);
  throw new Failure('No identity token found. Pass a file that contains one: --token-file FILE');
}

/**
 * Returns the environment without `DEVPILOT_ID_TOKEN`, `DEVPILOT_ID_TOKEN_2` and so on, which a command must not
 * exchange. Pure.
 */
export function withoutIdentityTokens(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !TOKEN_VARIABLE.test(name)));
}
