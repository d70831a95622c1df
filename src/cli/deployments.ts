import type { Deployment } from '../contract/deployments.ts';
import type { WorkStatus } from '../contract/platform-vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { parseCount } from './input.ts';
import {
  type Column,
  formatInstant,
  partyName,
  print,
  printDetails,
  printJson,
  printList,
  printNote,
  sanitizeInline,
  takeFirst,
} from './output.ts';

/** Returns a duration to append to a text, with a leading space. */
const durationSuffix = (durationMs: number | null) => (durationMs === null ? '' : ` ${durationMs / 1000} s`);

function formatDuration(startedAt: string | null, finishedAt: string | null): string | null {
  if (startedAt === null || finishedAt === null) return null;
  return `${Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)} s`;
}

const COLUMNS: readonly Column<Deployment>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'APP', getValue: ({ appId }) => appId },
  { title: 'KIND', getValue: ({ kind }) => kind },
  {
    title: 'STATUS',
    getValue: ({ status, waitingFor }) => (waitingFor === null ? status : `${status} (${waitingFor})`),
  },
  { title: 'LIVE', getValue: ({ live }) => (live ? 'live' : '') },
  { title: 'REF', getValue: ({ tag, branch }) => tag ?? branch },
  { title: 'COMMIT', getValue: ({ commit }) => commit?.slice(0, 12) ?? null },
  { title: 'DURATION', getValue: ({ startedAt, finishedAt }) => formatDuration(startedAt, finishedAt) },
  { title: 'BY', getValue: ({ createdBy }) => partyName(createdBy) },
  { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
];

/** The details of a deployment, one line each. */
export const DEPLOYMENT_DETAILS: readonly Column<Deployment>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'App', getValue: ({ appId }) => appId },
  {
    title: 'Kind',
    getValue: ({ kind, rollbackOf }) => (rollbackOf === null ? kind : `${kind} to ${rollbackOf}`),
  },
  { title: 'Status', getValue: ({ status, progress }) => `${status}, ${progress}%` },
  {
    title: 'Waiting for',
    getValue: ({ waitingFor, scheduledAt }) => (waitingFor === 'schedule' ? scheduledAt : waitingFor),
  },
  { title: 'Attempt', getValue: ({ attempt }) => (attempt === 1 ? null : String(attempt)) },
  { title: 'Runs after', getValue: ({ blockedBy }) => blockedBy },
  { title: 'Error', getValue: ({ error }) => error },
  { title: 'Live', getValue: ({ live }) => (live ? 'yes' : 'no') },
  { title: 'Branch', getValue: ({ branch }) => branch },
  { title: 'Tag', getValue: ({ tag }) => tag },
  { title: 'Commit', getValue: ({ commit }) => commit },
  {
    title: 'Overrides',
    getValue: ({ overrides }) => (Object.keys(overrides).length === 0 ? null : JSON.stringify(overrides)),
  },
  { title: 'Strategy', getValue: ({ strategy }) => strategy },
  {
    title: 'Servers',
    getValue: ({ servers }) => servers.map(({ serverId, status }) => `${serverId} ${status}`).join(', '),
  },
  {
    title: 'Hooks',
    getValue: ({ hooks }) =>
      hooks.length === 0
        ? null
        : hooks
            .map(
              ({ name, status, durationMs, attempts }) =>
                `${name} ${status}${durationSuffix(durationMs)}${attempts > 1 ? ` ${attempts} attempts` : ''}`,
            )
            .join(', '),
  },
  { title: 'Created', getValue: ({ createdAt, createdBy }) => `${createdAt} by ${partyName(createdBy)}` },
  { title: 'Started', getValue: ({ startedAt }) => startedAt },
  { title: 'Finished', getValue: ({ finishedAt }) => finishedAt },
];

export interface DeploymentListOptions extends RemoteOptions {
  readonly app: string | undefined;
  readonly status: string | undefined;
  readonly live: true | undefined;
  readonly limit: string;
}

/** Lists deployments, newest first. */
export async function listDeployments(options: DeploymentListOptions): Promise<void> {
  const { deployments } = connect(options);
  // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
  const query = { app: options.app, status: options.status as WorkStatus | undefined, live: options.live };
  const list = await takeFirst(deployments.all(query), parseCount('--limit', options.limit));
  await printList(list, COLUMNS, options);
}

export async function showDeployment(id: string, options: RemoteOptions): Promise<void> {
  await printDetails(await connect(options).deployments.get(id), DEPLOYMENT_DETAILS, options);
}

/** Prints the names of the variables that differ from the previous release. */
export async function showVariables(id: string, options: RemoteOptions): Promise<void> {
  const comparison = await connect(options).deployments.variables(id);
  if (options.json === true) return printJson(comparison);
  if (comparison.comparedWith === null)
    return printNote(
      'There is no previous release to compare with, or the variables of one of the two releases are unknown.',
      options,
    );
  printNote(`Compared with deployment ${comparison.comparedWith}, the previous release:`, options);
  for (const [sign, names] of [
    ['+', comparison.added],
    ['-', comparison.removed],
    ['~', comparison.changed],
  ] as const) {
    for (const name of names) await print(`${sign} ${sanitizeInline(name)}\n`);
  }
}

const ACTION_NOTES = {
  cancel: 'is being cancelled',
  approve: 'approved',
  promote: 'promoted to the remaining servers',
  abort: 'aborted; rolling back the canary server',
} as const;

/** Cancels, approves, promotes or aborts a deployment. */
export async function applyAction(
  action: keyof typeof ACTION_NOTES,
  id: string,
  options: RemoteOptions,
): Promise<void> {
  const deployment = await connect(options).deployments[action](id);
  if (options.json === true) await printJson(deployment);
  else if (deployment.status === 'cancelled') printNote(`Deployment ${deployment.id} was cancelled.`, options);
  else printNote(`Deployment ${deployment.id} ${ACTION_NOTES[action]}.`, options);
}
