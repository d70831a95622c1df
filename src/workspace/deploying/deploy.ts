import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '../../contract/problem.ts';
import { DAY, SECOND } from '../../contract/words.ts';
import {
  credentialIsThere,
  findDeployment,
  moveServers,
  serversOf,
  updateDeployment,
} from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema.ts';
import type { WorkspaceContext } from '../context.ts';
import { variablesFor, variablesForCommands } from '../environment.ts';
import { JobFailure, type Parked, type RunningJob } from '../jobs/jobs.ts';
import type { LogWriter } from '../logs.ts';
import { credentialsFor, type RepositoryCredentials } from '../repository.ts';
import { createConnections, type Pauses } from '../runner/connection.ts';
import { createMask } from '../runner/mask.ts';
import { targetOf } from '../servers.ts';
import { batchAfter, lackOf, type Plan, planOf, waitsForPromotion } from './plan.ts';
import { createProgress, plannedHooks } from './progress.ts';
import { type Place, prepare, prune, release, restore, type Works } from './server.ts';

/** A canary that nobody promotes is given up after this. */
const PROMOTE_WITHIN = DAY;
const WATCH_EVERY = 2 * SECOND;

/** Throws for a health check command that came with the deployment: earlier versions accepted one and it may still wait. */
function refuseOwnCommand(row: DeploymentTable): void {
  const overridden = row.health_check === null ? null : (JSON.parse(row.health_check) as Plan['healthCheck']);
  if (overridden?.command === undefined) return;
  throw new JobFailure('Its health check is a command of its own, which is no longer accepted. Deploy again.');
}

/** What the app is, if it can be deployed. */
async function readPlan(context: WorkspaceContext, row: DeploymentTable): Promise<Plan> {
  if (row.plan !== null) return JSON.parse(row.plan) as Plan;
  const app = await findResource(context.store.read, 'app', row.workspace_id, row.app_id);
  if (app === undefined) throw new JobFailure('The app is gone.');
  const lack = lackOf(app);
  if (lack !== null) throw new JobFailure(lack);
  return planOf(app, row);
}

/** The repository's credentials as they are now; null where the app is gone or its repository is elsewhere by now. */
async function findCredentials(
  context: WorkspaceContext,
  row: DeploymentTable,
  plan: Plan,
): Promise<RepositoryCredentials | null> {
  const app = await findResource(context.store.read, 'app', row.workspace_id, row.app_id);
  return app === undefined ? null : credentialsFor(context.seal, app, plan.repository);
}

const secretsOf = (credentials: RepositoryCredentials | null): string[] =>
  credentials === null ? [] : [credentials.password, `${credentials.user}:${credentials.password}`];

/** A server, all of whose steps share one connection. Throws `JobFailure`. */
async function findPlace(
  context: WorkspaceContext,
  works: Pick<Works, 'connections'>,
  server: DeploymentServerTable,
  pauses?: Pauses,
): Promise<Place> {
  const row = await findResource(context.store.read, 'server', server.workspace_id, server.server_id);
  if (row === undefined) throw new JobFailure(`The server ${server.server_id} is gone.`);
  try {
    const target = works.connections.through(await targetOf(context, row), pauses);
    return { server, name: row.name, target };
  } catch (error) {
    if (error instanceof Problem) throw new JobFailure(`${row.name}: ${error.message}`);
    throw error;
  }
}

/** Says so when the credential that began this is deleted meanwhile; nothing else comes of it. */
function watchCredential(context: WorkspaceContext, row: DeploymentTable, log: LogWriter) {
  const { created_by_kind: kind, created_by_id: id, created_by_name: name } = row;
  let there = kind !== 'person' && id !== null;
  async function look(): Promise<void> {
    if (!there || id === null || (await credentialIsThere(context.store.read, row.workspace_id, id))) return;
    if (!there) return;
    there = false;
    const what = kind === 'api_key' ? 'API key' : 'access token';
    log.say(`The ${what} ${name ?? id} that began this was deleted. The deployment goes on.`);
  }
  const timer = setInterval(() => void look().catch(() => undefined), WATCH_EVERY);
  return {
    async stop() {
      clearInterval(timer);
      await look().catch(() => undefined);
    },
  };
}

/** Does something on each of some servers at once. The first failure ends the others, and is thrown when all have ended. */
async function onEach<T>(
  places: readonly Place[],
  signal: AbortSignal,
  work: (place: Place, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const others = new AbortController();
  const both = AbortSignal.any([signal, others.signal]);
  let first: { error: unknown } | null = null;
  const results = await Promise.allSettled(
    places.map(async (place) => {
      try {
        return await work(place, both);
      } catch (error) {
        first ??= { error };
        others.abort(error);
        throw error;
      }
    }),
  );
  if (first !== null) throw (first as { error: unknown }).error;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

/** One batch of servers, all of them ready before the first is switched. */
async function deployBatch(works: Works, places: readonly Place[], signal: AbortSignal): Promise<Place[]> {
  const { progress } = works;
  const { commit_id: known, next_server: batch } = progress.row();
  let resolve: (commit: string) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const first = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  first.catch(() => undefined);
  const exact = known !== null && known.length >= 40;
  const prepared = await onEach(places, signal, async (place, both) => {
    const leads = place === places[0];
    try {
      // All servers get the commit that the first one found.
      const commit = async () =>
        exact || leads ? { commit: known, isKnown: batch > 0 } : { commit: await first, isKnown: true };
      const found = async (id: string) => {
        if (!leads) return;
        if (id !== known) await progress.set({ commit_id: id });
        resolve(id);
      };
      return await prepare(works, place, commit, found, both);
    } catch (error) {
      reject(error);
      throw error;
    }
  });
  return await onEach(prepared, signal, async (place, both) => {
    await release(works, place, both);
    return place;
  });
}

/** Sets back every server that this deployment came to. Gives those where it could not, in words; null where it did. */
async function notRestored(context: WorkspaceContext, job: RunningJob, works: Works): Promise<JobFailure | null> {
  const { row } = works;
  const servers = await serversOf(context.store.read, row.workspace_id, [row.id]);
  const failures: string[] = [];
  await Promise.all(
    servers
      .filter(({ previous }) => previous !== null)
      .map(async (server) => {
        try {
          await restore(works, await findPlace(context, works, server, context.connecting.goBack), job.gone);
        } catch (error) {
          if (!(error instanceof JobFailure)) throw error;
          works.log.say(error.message, 'restore', server.server_id);
          failures.push(error.message);
        }
      }),
  );
  await job.write(async (trx) => {
    await moveServers(trx, row.workspace_id, row.id, ['completed'], 'cancelled');
    await updateDeployment(trx, row, { under_way: 0, updated_at: context.clock() });
  });
  return failures.length === 0 ? null : new JobFailure(`Not everything could be set back. ${failures.join(' ')}`);
}

/** The batches that are left, one after the other; null when the rest waits for somebody's word. */
async function deployBatches(
  context: WorkspaceContext,
  job: RunningJob,
  works: Works,
  servers: readonly DeploymentServerTable[],
): Promise<'done' | 'parked'> {
  const { progress, log, row } = works;
  for (;;) {
    const now = progress.row();
    if (waitsForPromotion(now)) {
      log.say('The first server runs the new release. Promote this deployment, or abort it.');
      return 'parked';
    }
    const batch = batchAfter(now, servers.length);
    if (batch === null) return 'done';
    if (batch.from > 0 && row.pause_seconds > 0) {
      log.say(`Waiting ${row.pause_seconds} seconds before the next servers.`);
      await pause(row.pause_seconds * SECOND, undefined, { signal: job.signal }).catch(() => {
        throw job.signal.reason;
      });
    }
    await progress.set({ under_way: 1 });
    const places = await Promise.all(
      servers.slice(batch.from, batch.to).map((server) => findPlace(context, works, server)),
    );
    await deployBatch(works, places, job.signal);
    await progress.set({ under_way: 0, next_server: batch.to });
  }
}

async function begin(
  context: WorkspaceContext,
  job: RunningJob,
  row: DeploymentTable,
): Promise<[DeploymentTable, Plan]> {
  const plan = await readPlan(context, row);
  if (row.status === 'processing') return [row, plan];
  const skipped = (JSON.parse(row.hooks) as Parameters<typeof plannedHooks>[1]).filter(
    ({ status }) => status === 'skipped',
  );
  const now = context.clock();
  const fields = {
    status: 'processing',
    started_at: now,
    updated_at: now,
    plan: JSON.stringify(plan),
    hooks: JSON.stringify(plannedHooks(plan, skipped)),
  };
  await job.write((trx) => updateDeployment(trx, row, fields));
  return [{ ...row, ...fields }, plan];
}

/**
 * Carries a deployment out. Until the switch nothing that is live is touched; a failure or an end after
 * it sets back what was switched. A node that takes over in the middle sets back and fails: what a hook
 * had done by then nobody knows.
 */
export async function deploy(context: WorkspaceContext, job: RunningJob): Promise<Parked | undefined> {
  const { workspaceId, resourceId } = job;
  const found = await findDeployment(context.store.read, workspaceId, resourceId);
  if (found === undefined) throw new JobFailure('The deployment is gone.');
  const log = context.logs.writer(workspaceId, resourceId);
  const watch = watchCredential(context, found, log);
  const connections = createConnections();
  try {
    const [row, plan] = await begin(context, job, found);
    const all = await variablesFor(context, workspaceId, row.app_id);
    const variables = new Map(Object.entries(all));
    const { passed, withheld, problem } = variablesForCommands(all);
    const credentials = await findCredentials(context, row, plan);
    const mask = createMask([...variables.values(), ...secretsOf(credentials)]);
    const servers = await serversOf(context.store.read, workspaceId, [row.id]);
    const progress = createProgress(context, job, row, plan, servers.length);
    const works: Works = { row, plan, credentials, variables, passed, mask, log, progress, connections };
    try {
      if (row.under_way === 1) {
        throw new JobFailure('The node that ran this is gone, or was stopped, in the middle of it.');
      }
      refuseOwnCommand(row);
      const hasCommands = plan.hooks.length > 0 || plan.healthCheck?.command !== undefined;
      if (hasCommands && problem !== null) throw new JobFailure(problem);
      if (hasCommands && withheld.length > 0 && row.next_server === 0) {
        log.say(`In .env only, since they control how programs run: ${withheld.join(', ')}.`);
      }
      job.signal.throwIfAborted();
      if (waitsForPromotion(row) && row.updated_at + PROMOTE_WITHIN <= context.clock()) {
        throw new JobFailure('Nobody promoted this within a day.');
      }
      if ((await deployBatches(context, job, works, servers)) === 'parked') {
        return {
          until: context.clock() + PROMOTE_WITHIN,
          still: async (trx) => (await findDeployment(trx, workspaceId, row.id))?.decision === null,
        };
      }
    } catch (error) {
      if (job.gone.aborted) throw error;
      log.say(error instanceof JobFailure ? error.message : 'It ends here.');
      const left = await notRestored(context, job, works);
      if (left === null) throw error;
      throw error instanceof JobFailure ? new JobFailure(`${error.message} ${left.message}`) : left;
    }
    // It is live now, whatever comes of tidying up.
    for (const server of servers) {
      await findPlace(context, works, server)
        .then((place) => prune(works, place, job.gone))
        .catch((error: unknown) => {
          if (!(error instanceof JobFailure)) throw error;
        });
    }
    return undefined;
  } finally {
    await connections.close();
    await watch.stop();
    await log.end();
  }
}
