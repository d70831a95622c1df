import type { App } from '../contract/apps.ts';
import type { Deployment } from '../contract/deployments.ts';
import type { LogLine } from '../contract/logs.ts';
import type { Server } from '../contract/servers.ts';
import { createTestRepository, type TestRepository } from './git-repository.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { expectStatus, type TestPerson, type TestResponse } from './test-server.ts';
import { until } from './until.ts';

/** An app with its own repository and directory. */
export interface TestApp {
  readonly id: string;
  readonly slug: string;
  readonly serverId: string;
  readonly directory: string;
  readonly repository: TestRepository;
  edit(fields: object): Promise<void>;
  /** Requests a deployment. */
  deploy(body?: object): Promise<TestResponse<Deployment>>;
}

/** Returns a hook for the fields of an app. `options` are added to the hook. */
export const hook = (name: string, stage: string, run: string, options: object = {}): object => ({
  name,
  stage,
  run,
  ...options,
});

/** Number of created resources, for unique names. */
let resourceCount = 0;

/** Creates a server resource, by default a local one. */
export async function createServerResource(owner: TestPerson, fields: object = { kind: 'local' }): Promise<Server> {
  resourceCount += 1;
  return expectStatus(
    await owner.call<Server>('/v1/servers', { body: { name: `Server ${resourceCount}`, ...fields } }),
    201,
  );
}

/** Creates an app that can be deployed, with one commit in its repository. */
export async function createTestApp(owner: TestPerson, serverId: string, fields: object = {}): Promise<TestApp> {
  resourceCount += 1;
  const project = expectStatus(
    await owner.call<{ id: string }>('/v1/projects', { body: { name: `Project ${resourceCount}` } }),
    201,
  );
  const repository = createTestRepository();
  repository.commit({ 'page.txt': 'one' }, 'First');
  const directory = temporaryDirectory();
  const body = {
    projectId: project.id,
    name: `Shop ${resourceCount}`,
    serverId,
    repository: repository.path,
    directory,
    ...fields,
  };
  const app = expectStatus(await owner.call<App>('/v1/apps', { body }), 201);
  return {
    id: app.id,
    slug: app.slug,
    serverId,
    directory,
    repository,
    async edit(changed) {
      expectStatus(await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: changed }), 200);
    },
    deploy: (requestBody = {}) => owner.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body: requestBody }),
  };
}

export async function getDeployment(person: TestPerson, id: string): Promise<Deployment> {
  return expectStatus(await person.call<Deployment>(`/v1/deployments/${id}`), 200);
}

/** Waits until a deployment satisfies a condition, and returns the deployment. */
export async function waitForDeployment(
  person: TestPerson,
  id: string,
  condition: (deployment: Deployment) => boolean,
  timeoutMs?: number,
): Promise<Deployment> {
  let deployment = await getDeployment(person, id);
  const isSatisfied = async () => {
    deployment = await getDeployment(person, id);
    return condition(deployment);
  };
  await until(isSatisfied, timeoutMs).catch((error: Error) => {
    throw new Error(`${error.message} ${JSON.stringify(deployment)}`);
  });
  return deployment;
}

const FINISHED_STATUSES = new Set(['completed', 'failed', 'cancelled']);
export const isFinished = ({ status }: Deployment): boolean => FINISHED_STATUSES.has(status);

/** Requests a deployment and waits until it is finished. */
export async function deployAndWait(person: TestPerson, app: TestApp, body: object = {}): Promise<Deployment> {
  const { id } = expectStatus(await app.deploy(body), 202);
  return waitForDeployment(person, id, isFinished);
}

/** Returns the lines of a deployment's log. `query` is appended to the path. */
export async function readDeploymentLog(person: TestPerson, id: string, query = ''): Promise<LogLine[]> {
  const { text } = await person.call(`/v1/deployments/${id}/logs${query}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}
