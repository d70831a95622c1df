import { connect } from './connect.ts';
import { print } from './output.ts';

/** Name of the hidden command that the shell completion scripts run. */
export const COMPLETE_VALUES = 'complete-values';

const LIST_PATHS = {
  apps: '/v1/apps',
  identities: '/v1/workload-identities',
  keys: '/v1/api-keys',
  projects: '/v1/projects',
  scripts: '/v1/scripts',
  servers: '/v1/servers',
  tokens: '/v1/access-tokens',
  webhooks: '/v1/webhooks',
} as const;
export type ValueKind = keyof typeof LIST_PATHS;

/** Shells expand completed words, so only values without characters that are special to a shell are printed. */
const SHELL_SAFE = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const TIMEOUT_MS = 3_000;

/** Prints the slugs of the first 200 resources of a kind, or their IDs if the kind has no slugs, one per line. */
export async function completeValues(kind: string): Promise<void> {
  if (!Object.hasOwn(LIST_PATHS, kind)) return;
  const client = connect({ url: undefined, profile: undefined, workspace: undefined, json: undefined, quiet: true });
  const path = `${LIST_PATHS[kind as ValueKind]}?limit=200`;
  const { data } = await client.request<{ data: { id: string; slug?: string }[] }>('GET', path, {
    timeout: TIMEOUT_MS,
  });
  const values = data.map(({ slug, id }) => slug ?? id).filter((value) => SHELL_SAFE.test(value));
  await print(values.map((value) => `${value}\n`).join(''));
}
