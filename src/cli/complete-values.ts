import { connect } from './connect.ts';
import { print } from './output.ts';

/** The hidden command that the completion of shells runs. */
export const COMPLETE_VALUES = 'complete-values';

const LISTS = {
  apps: '/v1/apps',
  identities: '/v1/workload-identities',
  keys: '/v1/api-keys',
  projects: '/v1/projects',
  scripts: '/v1/scripts',
  servers: '/v1/servers',
  tokens: '/v1/access-tokens',
  webhooks: '/v1/webhooks',
} as const;
export type ValueKind = keyof typeof LISTS;

/** Shells expand what they complete, so only values without characters that mean anything to them are printed. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const TIMEOUT_MS = 3_000;

/** Prints the slugs, otherwise the IDs, of the first 200 resources of a kind, one per line. */
export async function completeValues(kind: string): Promise<void> {
  if (!Object.hasOwn(LISTS, kind)) return;
  const client = connect({ url: undefined, profile: undefined, workspace: undefined, json: undefined, quiet: true });
  const path = `${LISTS[kind as ValueKind]}?limit=200`;
  const { data } = await client.request<{ data: { id: string; slug?: string }[] }>('GET', path, {
    timeout: TIMEOUT_MS,
  });
  const values = data.map(({ slug, id }) => slug ?? id).filter((value) => HARMLESS.test(value));
  await print(values.map((value) => `${value}\n`).join(''));
}
