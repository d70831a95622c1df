import { randomUUID } from 'node:crypto';
import type { CreateRollbackInput, Deployment } from '../contract/deployments.ts';
import type { Strategy } from '../contract/words.ts';
import type { Client } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { DEPLOYMENT_FACTS } from './deployments.ts';
import { readCount, readInstant } from './input.ts';
import { note, printJson, printOne } from './output.ts';
import { endAs, type WatchOptions, watch } from './watch.ts';

/** What a deployment and a rollback can be asked for. */
export interface HowOptions extends Common, WatchOptions {
  readonly server?: readonly string[];
  readonly strategy?: string;
  readonly batchSize?: string;
  readonly pause?: string;
  readonly at?: string;
  readonly approval?: true;
  readonly skipHook?: readonly string[];
  readonly healthUrl?: string;
  /** False with `--no-health-check`. */
  readonly healthCheck: boolean;
  readonly replace?: true;
}

export interface DeployOptions extends HowOptions {
  readonly branch?: string;
  readonly commit?: string;
}

function healthCheckOf({ healthUrl: url, healthCheck }: HowOptions) {
  if (!healthCheck) return { healthCheck: null };
  return url === undefined ? {} : { healthCheck: { url } };
}

/** The fields that were asked for and no others: some of them need more than the basic scope. */
function howOf(options: HowOptions): CreateRollbackInput {
  const batchSize = readCount('--batch-size', options.batchSize);
  const pauseSeconds = readCount('--pause', options.pause);
  return {
    ...(options.server !== undefined && { servers: [...options.server] }),
    ...(options.strategy !== undefined && { strategy: options.strategy as Strategy }),
    ...(batchSize !== undefined && { batchSize }),
    ...(pauseSeconds !== undefined && { pauseSeconds }),
    ...(options.at !== undefined && { scheduledAt: readInstant('--at', options.at) }),
    ...(options.approval === true && { approval: true }),
    ...(options.skipHook !== undefined && { skipHooks: [...options.skipHook] }),
    ...healthCheckOf(options),
    ...(options.replace === true && { replace: true }),
  };
}

const WAITS = {
  approval: (id: string) => `It waits for approval: devpilot deployments approve ${id}`,
  schedule: () => 'It waits for its time.',
  queue: () => 'It waits for the deployment before it.',
  promotion: (id: string) => `It waits: devpilot deployments promote ${id}, or abort`,
} as const;

const waitsFor = ({ id, waitingFor }: Deployment) => (waitingFor === null ? null : WAITS[waitingFor](id));

async function see(client: Client, begun: Deployment, options: HowOptions): Promise<void> {
  const { id } = begun;
  const name = `Deployment ${id}`;
  if (options.follow !== true && options.wait !== true) {
    note(`${name} is begun. To follow it: devpilot logs ${id} --follow`, options);
    return printOne(begun, DEPLOYMENT_FACTS, options);
  }
  note([`${name} is begun.`, waitsFor(begun)].filter((one) => one !== null).join(' '), options);
  const over = await watch(
    {
      name,
      later: `devpilot logs ${id} --follow`,
      get: () => client.deployments.get(id),
      logs: () => client.deployments.logs(id, { follow: true }),
      waitsFor,
    },
    options,
  );
  if (options.json === true) await printJson(over);
  endAs(name, over);
  note(`${name} is completed${over.commit === null ? '' : `: commit ${over.commit}`}.`, options);
}

/** Deploys an app; with `--follow` or `--wait` it ends as the deployment does. */
export async function deploy(app: string, options: DeployOptions): Promise<void> {
  const client = connect(options);
  const body = {
    ...(options.branch !== undefined && { branch: options.branch }),
    ...(options.commit !== undefined && { commit: options.commit }),
    ...howOf(options),
  };
  await see(client, await client.deployments.create(app, body, { idempotencyKey: randomUUID() }), options);
}

/** Deploys the commit of an earlier deployment again, likewise. */
export async function rollBack(id: string, options: HowOptions): Promise<void> {
  const client = connect(options);
  await see(client, await client.deployments.rollBack(id, howOf(options), { idempotencyKey: randomUUID() }), options);
}
