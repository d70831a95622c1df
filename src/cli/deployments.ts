import type { Deployment } from '../contract/deployments.ts';
import type { WorkStatus } from '../contract/words.ts';
import { type Common, connect } from './connect.ts';
import { readCount } from './input.ts';
import { type Column, note, printJson, printList, printOne, showInstant, taken } from './output.ts';

const nameOf = ({ name, id, kind }: Deployment['createdBy']) => name ?? id ?? kind;
const secondsOf = (milliseconds: number | null) => (milliseconds === null ? '' : ` ${milliseconds / 1000} s`);

const COLUMNS: readonly Column<Deployment>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'APP', of: ({ appId }) => appId },
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'STATUS', of: ({ status, waitingFor }) => (waitingFor === null ? status : `${status} (${waitingFor})`) },
  { title: 'LIVE', of: ({ live }) => (live ? 'live' : '') },
  { title: 'BRANCH', of: ({ branch }) => branch },
  { title: 'COMMIT', of: ({ commit }) => commit?.slice(0, 12) ?? null },
  { title: 'BY', of: ({ createdBy }) => nameOf(createdBy) },
  { title: 'CREATED', of: ({ createdAt }) => showInstant(createdAt, 'never') },
];

/** What a deployment is told as, a line a fact. */
export const DEPLOYMENT_FACTS: readonly Column<Deployment>[] = [
  { title: 'Id', of: ({ id }) => id },
  { title: 'App', of: ({ appId }) => appId },
  { title: 'Kind', of: ({ kind, rollbackOf }) => (rollbackOf === null ? kind : `${kind} to that of ${rollbackOf}`) },
  { title: 'Status', of: ({ status, progress }) => `${status}, ${progress} %` },
  { title: 'Waits for', of: ({ waitingFor, scheduledAt }) => (waitingFor === 'schedule' ? scheduledAt : waitingFor) },
  { title: 'Error', of: ({ error }) => error },
  { title: 'Live', of: ({ live }) => (live ? 'yes' : 'no') },
  { title: 'Branch', of: ({ branch }) => branch },
  { title: 'Commit', of: ({ commit }) => commit },
  {
    title: 'Overrides',
    of: ({ overrides }) => (Object.keys(overrides).length === 0 ? null : JSON.stringify(overrides)),
  },
  { title: 'Strategy', of: ({ strategy }) => strategy },
  { title: 'Servers', of: ({ servers }) => servers.map(({ serverId, status }) => `${serverId} ${status}`).join(', ') },
  {
    title: 'Hooks',
    of: ({ hooks }) =>
      hooks.length === 0
        ? null
        : hooks.map(({ name, status, durationMs }) => `${name} ${status}${secondsOf(durationMs)}`).join(', '),
  },
  { title: 'Created', of: ({ createdAt, createdBy }) => `${createdAt} by ${nameOf(createdBy)}` },
  { title: 'Started', of: ({ startedAt }) => startedAt },
  { title: 'Finished', of: ({ finishedAt }) => finishedAt },
];

export interface DeploymentListOptions extends Common {
  readonly app?: string;
  readonly status?: string;
  readonly live?: true;
  readonly limit: string;
}

/** Lists deployments, newest first. */
export async function listDeployments(options: DeploymentListOptions): Promise<void> {
  const { deployments } = connect(options);
  // The server knows which words there are, and says so.
  const query = { app: options.app, status: options.status as WorkStatus | undefined, live: options.live };
  const list = await taken(deployments.all(query), readCount('--limit', options.limit) ?? 50);
  await printList(list, COLUMNS, options);
}

export async function showDeployment(id: string, options: Common): Promise<void> {
  await printOne(await connect(options).deployments.get(id), DEPLOYMENT_FACTS, options);
}

const DONE = {
  cancel: 'is told to end',
  approve: 'is approved',
  promote: 'goes on to the servers that are left',
  abort: 'is given up; its first server goes back to the release before',
} as const;

/** Decides what becomes of a deployment. */
export async function decide(decision: keyof typeof DONE, id: string, options: Common): Promise<void> {
  const deployment = await connect(options).deployments[decision](id);
  if (options.json === true) await printJson(deployment);
  else note(`Deployment ${deployment.id} ${DONE[decision]}.`, options);
}
