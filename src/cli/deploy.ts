import { randomUUID } from 'node:crypto';
import type { CreateRollbackInput, Deployment } from '../contract/deployments.ts';
import type { Strategy } from '../contract/platform-vocabulary.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { DEPLOYMENT_DETAILS } from './deployments.ts';
import { withClient } from './exchange-token.ts';
import { parseCount, parseInstant } from './input.ts';
import { requireCompleted, type WatchOptions, waitForOperation } from './operation.ts';
import { printDetails, printJson, printNote } from './output.ts';

/** Options that `deploy` and `rollback` have in common. */
export interface DeploymentCommandOptions extends RemoteOptions, WatchOptions {
  readonly server: readonly string[] | undefined;
  readonly strategy: string | undefined;
  readonly batchSize: string | undefined;
  readonly pause: string | undefined;
  readonly at: string | undefined;
  readonly approval: true | undefined;
  readonly skipHook: readonly string[] | undefined;
  readonly healthUrl: string | undefined;
  /** False with `--no-health-check`. */
  readonly healthCheck: boolean;
  readonly replace: true | undefined;
}

export interface DeployOptions extends DeploymentCommandOptions {
  readonly branch: string | undefined;
  readonly tag: string | undefined;
  readonly commit: string | undefined;
}

function healthCheckOf({ healthUrl: url, healthCheck }: DeploymentCommandOptions) {
  if (!healthCheck) return { healthCheck: null };
  return url === undefined ? {} : { healthCheck: { url } };
}

/** Returns only the fields whose options were set, because some fields require an additional scope. */
function deploymentFields(options: DeploymentCommandOptions): CreateRollbackInput {
  const batchSize = parseCount('--batch-size', options.batchSize);
  const pauseSeconds = parseCount('--pause', options.pause);
  return {
    ...(options.server !== undefined && { servers: [...options.server] }),
    ...(options.strategy !== undefined && { strategy: options.strategy as Strategy }),
    ...(batchSize !== undefined && { batchSize }),
    ...(pauseSeconds !== undefined && { pauseSeconds }),
    ...(options.at !== undefined && { scheduledAt: parseInstant('--at', options.at) }),
    ...(options.approval === true && { approval: true }),
    ...(options.skipHook !== undefined && { skipHooks: [...options.skipHook] }),
    ...healthCheckOf(options),
    ...(options.replace === true && { replace: true }),
  };
}

const WAITING_NOTES = {
  approval: (id: string) => `Waiting for approval. Approve it with: devpilot deployments approve ${id}`,
  schedule: () => 'Waiting for the scheduled time.',
  queue: (_id: string, blockedBy: string | null) => `Waiting for deployment ${blockedBy} of the app.`,
  promotion: (id: string) =>
    `Waiting for promotion. Promote it with: devpilot deployments promote ${id}; or abort it with: devpilot deployments abort ${id}`,
} as const;

/** Returns what a deployment is waiting for; null if it is not waiting, or about to start. */
function waitingNote({ id, waitingFor, blockedBy }: Deployment): string | null {
  if (waitingFor === null || (waitingFor === 'queue' && blockedBy === null)) return null;
  return WAITING_NOTES[waitingFor](id, blockedBy);
}

async function followDeployment(
  client: Client,
  deployment: Deployment,
  options: RemoteOptions & WatchOptions,
): Promise<void> {
  const { id, attempt } = deployment;
  const name = `Deployment ${id}`;
  const createdNote = attempt > 1 ? `Attempt ${attempt} of deployment ${id} created.` : `${name} created.`;
  if (options.follow !== true && options.wait !== true) {
    printNote(`${createdNote} Follow it with: devpilot logs ${id} --follow`, options);
    return printDetails(deployment, DEPLOYMENT_DETAILS, options);
  }
  printNote([createdNote, waitingNote(deployment)].filter((part) => part !== null).join(' '), options);
  const finished = await waitForOperation(
    {
      name,
      followUpCommand: `devpilot logs ${id} --follow`,
      get: () => client.deployments.get(id),
      logs: () => client.deployments.logs(id, { follow: true, partial: true }),
      waitingNote,
    },
    options,
  );
  if (options.json === true) await printJson(finished);
  requireCompleted(name, finished);
  printNote(`${name} completed${finished.commit === null ? '' : `: commit ${finished.commit}`}.`, options);
}

/** Deploys an app. With `--follow` or `--wait`, the exit code reports the result of the deployment. */
export async function deploy(app: string, options: DeployOptions): Promise<void> {
  const body = {
    ...(options.branch !== undefined && { branch: options.branch }),
    ...(options.tag !== undefined && { tag: options.tag }),
    ...(options.commit !== undefined && { commit: options.commit }),
    ...deploymentFields(options),
  };
  await withClient(options, async (client) => {
    const deployment = await client.deployments.create(app, body, { idempotencyKey: randomUUID() });
    await followDeployment(client, deployment, options);
  });
}

/** Runs a failed deployment again from the failed step, or earlier if hooks or variables have changed. */
export async function retry(id: string, options: RemoteOptions & WatchOptions): Promise<void> {
  const client = connect(options);
  await followDeployment(client, await client.deployments.retry(id), options);
}

/** Deploys the commit of an earlier deployment again. */
export async function rollBack(id: string, options: DeploymentCommandOptions): Promise<void> {
  const client = connect(options);
  await followDeployment(
    client,
    await client.deployments.rollBack(id, deploymentFields(options), { idempotencyKey: randomUUID() }),
    options,
  );
}
