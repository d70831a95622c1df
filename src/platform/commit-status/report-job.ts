import { type CommitStatusApi, hostedRepositoryOf } from '../../contract/git-hosts.ts';
import { SECOND } from '../../contract/limits.ts';
import type { WorkStatus } from '../../contract/platform-vocabulary.ts';
import { JobFailure, type JobKind, type RunningJob } from '../../jobs/jobs.ts';
import { OutboundError } from '../../outbound/outbound.ts';
import { findCommitStatusRow, setCommitStatusError } from '../../store/commit-status.ts';
import { findDeployment } from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentTable } from '../../store/schema/deployments.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { statusTokenAssociatedData } from './settings.ts';
import { statusRequest } from './status-request.ts';

const JOB_KIND = 'commit_status';
const ATTEMPT_TIMEOUT_MS = 10 * SECOND;
/** Seven attempts within about ten minutes. */
const RETRIES = { count: 6, firstDelayMs: 10 * SECOND };
const MAX_RESPONSE_BYTES = 16_384;

const DESCRIPTIONS: Readonly<Record<WorkStatus, string>> = {
  pending: 'Deployment is waiting',
  processing: 'Deployment in progress',
  completed: 'Deployed',
  failed: 'Deployment failed',
  cancelled: 'Deployment cancelled',
};

/** Enqueues a report of a deployment's commit status to the Git host, if the app has a token for commit statuses. */
export async function enqueueCommitStatus(
  context: PlatformContext,
  trx: Trx,
  { workspace_id: workspaceId, app_id: appId, id }: Pick<DeploymentTable, 'workspace_id' | 'app_id' | 'id'>,
): Promise<void> {
  if ((await findCommitStatusRow(trx, workspaceId, appId)) === undefined) return;
  await context.jobs.enqueue(trx, {
    kind: JOB_KIND,
    workspaceId,
    // Not the ID of the deployment, by which the deployment's own job is cancelled and resumed.
    resourceId: `${JOB_KIND} ${id}`,
    payload: { deploymentId: id, appId },
    // Reports of a deployment run in order. Each sends the current status, so a late report does no harm.
    lanes: [{ key: `${JOB_KIND}:${id}`, limit: 1 }],
    retries: RETRIES,
    timeLimitMs: 2 * ATTEMPT_TIMEOUT_MS,
  });
}

interface Payload {
  readonly deploymentId: string;
  readonly appId: string;
}

/**
 * Sends the status, if there is one to report. Returns null, or the reason for a permanent failure. Throws `JobFailure`
 * if a retry may succeed.
 */
async function sendStatus(context: PlatformContext, job: RunningJob): Promise<string | null> {
  const { deploymentId, appId } = job.payload as Payload;
  const { read } = context.store;
  const settings = await findCommitStatusRow(read, job.workspaceId, appId);
  const app = await findResource(read, 'app', job.workspaceId, appId);
  const deployment = await findDeployment(read, job.workspaceId, deploymentId);
  if (settings === undefined || app === undefined || deployment?.commit_id == null) return null;
  const repository = hostedRepositoryOf(app.repository);
  if (repository === null || repository.host !== settings.repository_host) {
    return 'The repository has moved to another host. Set the token again.';
  }
  const status = deployment.status as WorkStatus;
  const token = context.seal.open(settings.token_sealed, statusTokenAssociatedData(settings));
  const request = statusRequest(settings.kind as CommitStatusApi, settings.url, repository, token, {
    status,
    commit: deployment.commit_id,
    context: `devpilot/${app.slug}`,
    description: DESCRIPTIONS[status],
    targetUrl: `${context.publicUrl()}/deployments/${deploymentId}`,
  });
  try {
    const response = await context.outbound.send({
      ...request,
      method: 'POST',
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      maxResponseBytes: MAX_RESPONSE_BYTES,
      signal: job.signal,
    });
    if (response.status >= 200 && response.status < 300) return null;
    // GitLab rejects a state that the commit already has.
    if (settings.kind === 'gitlab' && /Cannot transition status/.test(response.body.toString())) return null;
    const message = `The Git host responded with the status ${response.status}.`;
    if (response.status >= 500 || response.status === 429 || response.status === 408) throw new JobFailure(message);
    return message;
  } catch (error) {
    if (error instanceof OutboundError && !job.signal.aborted) throw new JobFailure(error.message);
    throw error;
  }
}

/** The job kind of commit statuses. */
export function commitStatusJobKind(context: PlatformContext): JobKind {
  return {
    name: JOB_KIND,
    resumable: true,
    async run(job) {
      const error = await sendStatus(context, job);
      const key = { workspace_id: job.workspaceId, app_id: (job.payload as Payload).appId };
      await job.transaction((trx) => setCommitStatusError(trx, key, error));
      return undefined;
    },
    async finalize(trx, job, end) {
      if (end.status !== 'failed') return;
      const key = { workspace_id: job.workspaceId, app_id: (job.payload as Payload).appId };
      await setCommitStatusError(trx, key, end.error);
    },
  };
}
