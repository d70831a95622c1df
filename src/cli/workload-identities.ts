import { randomUUID } from 'node:crypto';
import type { Scope } from '../contract/vocabulary.ts';
import type { UpdateWorkloadIdentity, WorkloadExchange, WorkloadIdentity } from '../contract/workload-identities.ts';
import type { WorkloadProvider } from '../contract/workload-issuers.ts';
import { type WorkloadPreset, workloadPreset } from '../contract/workload-presets.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { readFileOrStdin } from './files.ts';
import { parseCount, parseDuration } from './input.ts';
import {
  type Column,
  formatInstant,
  print,
  printDetails,
  printJson,
  printList,
  printNote,
  sanitizeInline,
  takeFirst,
} from './output.ts';
import { type RestrictionOptions, readRestrictions } from './restriction-options.ts';

const COLUMNS: readonly Column<WorkloadIdentity>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'NAME', getValue: ({ name }) => name },
  { title: 'ISSUER', getValue: ({ issuer }) => issuer },
  {
    title: 'CONDITIONS',
    getValue: ({ conditions }) =>
      Object.entries(conditions)
        .map(([claim, value]) => `${claim}=${value}`)
        .join(' '),
  },
  { title: 'SCOPES', getValue: ({ scopes }) => scopes.join(' ') },
  { title: 'AUDIENCE', getValue: ({ audience }) => audience },
  { title: 'LIFETIME', getValue: ({ lifetimeSeconds }) => `${lifetimeSeconds} s` },
  { title: 'LAST EXCHANGE', getValue: ({ lastExchangedAt }) => formatInstant(lastExchangedAt, 'never') },
];

const EXCHANGE_COLUMNS: readonly Column<WorkloadExchange>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'TIME', getValue: ({ at }) => formatInstant(at, '') },
  { title: 'RESULT', getValue: ({ accepted, reason }) => (accepted ? 'accepted' : `refused: ${reason}`) },
  { title: 'DETAIL', getValue: ({ detail, credential }) => detail ?? credential },
  { title: 'SUBJECT', getValue: ({ claims }) => claims?.['sub'] ?? null },
  { title: 'ADDRESS', getValue: ({ address }) => address },
];

export interface IdentityOptions extends RemoteOptions, RestrictionOptions {
  readonly name: string | undefined;
  readonly scope: readonly string[] | undefined;
  readonly lifetime: string | undefined;
  readonly issuer: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly audience: string | undefined;
  readonly condition: readonly string[] | undefined;
  readonly github: string | undefined;
  readonly gitlab: string | undefined;
  readonly kubernetes: string | undefined;
  readonly buildkite: string | undefined;
  readonly circleci: string | undefined;
  readonly branch: string | undefined;
  readonly tag: string | undefined;
  readonly environment: string | undefined;
  readonly workflow: string | undefined;
  readonly repositoryId: string | undefined;
  readonly event: string | undefined;
}

const PROVIDERS = ['github', 'gitlab', 'kubernetes', 'buildkite', 'circleci'] as const satisfies WorkloadProvider[];

/** Returns issuer, audience and conditions of the selected provider; null if no provider is selected. */
function readPreset(options: IdentityOptions): WorkloadPreset | null {
  const selectedProviders = PROVIDERS.filter((provider) => options[provider] !== undefined);
  const [provider] = selectedProviders;
  if (selectedProviders.length > 1) throw new Failure(`Use only one provider: --${selectedProviders.join(' or --')}.`);
  if (provider === undefined) {
    const onlyWithProvider = ['branch', 'tag', 'environment', 'workflow', 'repositoryId', 'event'] as const;
    const misplacedOption = onlyWithProvider.find((name) => options[name] !== undefined);
    if (misplacedOption !== undefined) {
      const optionName = misplacedOption === 'repositoryId' ? 'repository-id' : misplacedOption;
      throw new Failure(`--${optionName} requires a provider, such as --github.`);
    }
    return null;
  }
  const subject = options[provider] ?? '';
  if (!/^[^/]+\/.+$/.test(subject))
    throw new Failure(
      `--${provider} must be two names separated by a slash. See: devpilot workload-identities create --help`,
    );
  if (provider === 'kubernetes' && options.issuer === undefined)
    throw new Failure('--kubernetes requires the issuer of the cluster: --issuer URL.');
  return workloadPreset(provider, { ...options, subject });
}

function readConditions(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const separator = text.indexOf('=');
      if (separator < 1) throw new Failure(`--condition must be claim=value, not ${sanitizeInline(text)}.`);
      return [text.slice(0, separator), text.slice(separator + 1)];
    }),
  );
}

/** Returns the fields that the options set. The server validates their values. */
function readFields(options: IdentityOptions): UpdateWorkloadIdentity {
  const preset = readPreset(options);
  const { name, scope, lifetime, jwksUrl, condition } = options;
  const issuer = options.issuer ?? preset?.issuer;
  const audience = options.audience ?? preset?.audience ?? undefined;
  const conditions = { ...preset?.conditions, ...readConditions(condition) };
  const lifetimeMs = lifetime === undefined ? undefined : parseDuration(lifetime);
  if (lifetimeMs === null) throw new Failure('--lifetime must be a duration such as 15m or 1h.');
  return {
    ...(name !== undefined && { name }),
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(jwksUrl !== undefined && { jwksUrl: jwksUrl === 'discovery' ? null : jwksUrl }),
    ...(Object.keys(conditions).length > 0 && { conditions }),
    ...(scope !== undefined && { scopes: [...scope] as Scope[] }),
    ...(lifetimeMs !== undefined && { lifetimeSeconds: lifetimeMs / 1000 }),
    ...readRestrictions(options),
  };
}

/** Lists workload identities, newest first. */
export async function listIdentities(options: RemoteOptions & { readonly limit: string | undefined }): Promise<void> {
  const limit = parseCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
  await printList(await takeFirst(connect(options).workloadIdentities.all(), limit), COLUMNS, options);
}

/** Creates a workload identity. */
export async function createIdentity(options: IdentityOptions): Promise<void> {
  const { name, issuer, conditions, scopes, ...optionalFields } = readFields(options);
  if (name === undefined || scopes === undefined) throw new Failure('--name and --scope are required.');
  if (issuer === undefined || conditions === undefined)
    throw new Failure('Use a provider such as --github owner/repository, or --issuer and --condition.');
  const body = { name, issuer, conditions, scopes, ...optionalFields };
  const created = await connect(options).workloadIdentities.create(body, { idempotencyKey: randomUUID() });
  await printDetails(created, COLUMNS, options);
  printNote(`In the pipeline, set DEVPILOT_WORKLOAD_IDENTITY to ${created.id}.`, options);
}

/** Updates a workload identity. */
export async function updateIdentity(id: string, options: IdentityOptions): Promise<void> {
  const change = readFields(options);
  if (Object.keys(change).length === 0)
    throw new Failure('Nothing to change. See: devpilot workload-identities update --help');
  await printDetails(await connect(options).workloadIdentities.update(id, change), COLUMNS, options);
}

/** Deletes workload identities and revokes the access tokens that were issued for them. */
export async function deleteIdentities(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const { workloadIdentities } = connect(options);
  await deleteItems(
    {
      items: await Promise.all(ids.map((id) => workloadIdentities.get(id))),
      label: ({ name }) => name,
      question: (list) => `Delete ${list}? Access tokens issued for a deleted identity stop working.`,
      note: (list) => `Deleted ${list}.`,
      delete: (id) => workloadIdentities.delete(id),
    },
    options,
  );
}

/** Lists recent exchanges, newest first. */
export async function listExchanges(id: string, options: RemoteOptions): Promise<void> {
  const { data } = await connect(options).workloadIdentities.exchanges(id);
  await printList(data, EXCHANGE_COLUMNS, options);
}

/** Parses claims from a JSON object or a JWT. The signature of the JWT is not checked here. */
function parseClaims(text: string): Record<string, unknown> {
  const [, payload] = text.trim().split('.');
  const isJwt = payload !== undefined && !text.trim().startsWith('{');
  const json = isJwt ? Buffer.from(payload, 'base64url').toString() : text;
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    throw new Failure('The claims must be a JSON object or a JWT.');
  }
}

/** Tests whether an identity token with these claims would be accepted. Throws `Failure` if not. */
export async function testIdentity(id: string, file: string, options: RemoteOptions): Promise<void> {
  const claims = parseClaims(await readFileOrStdin(file));
  const { accepted, failures } = await connect(options).workloadIdentities.test(id, claims);
  if (options.json === true) await printJson({ accepted, failures });
  else if (accepted) await print('accepted\n');
  else await print(failures.map(({ claim, message }) => `${sanitizeInline(`${claim}: ${message}`)}\n`).join(''));
  if (!accepted) throw new Failure('A token with these claims would be refused.');
}
