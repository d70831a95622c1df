import assert from 'node:assert/strict';
import type { App } from '../src/contract/apps.ts';
import type { Project } from '../src/contract/projects.ts';
import type { Script } from '../src/contract/scripts.ts';
import type { Server } from '../src/contract/servers.ts';
import { bearer, createToken, type TestPerson, type TestServer } from '../src/testing/test-server.ts';

async function createResource<Created>(person: TestPerson, path: string, body: object): Promise<Created> {
  const created = await person.call<Created>(path, { body });
  assert.equal(created.status, 201, created.text);
  return created.body;
}

export const createProject = (person: TestPerson, body: { name: string; description?: string }): Promise<Project> =>
  createResource(person, '/v1/projects', body);

export const createServer = (person: TestPerson, body: { name: string; [field: string]: unknown }): Promise<Server> =>
  createResource(person, '/v1/servers', { kind: 'ssh', host: 'web-1.example.com', user: 'deploy', ...body });

export const createApp = (person: TestPerson, body: { name: string; [field: string]: unknown }): Promise<App> =>
  createResource(person, '/v1/apps', body);

export const createScript = (person: TestPerson, body: { name: string; [field: string]: unknown }): Promise<Script> =>
  createResource(person, '/v1/scripts', body);

export async function setVariables(person: TestPerson, app: App, values: Record<string, string | null>): Promise<void> {
  const response = await person.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values } });
  assert.equal(response.status, 200, response.text);
}

const HOUR_MS = 3_600_000;

/** Sends 600 activity events of a shop, spread over the last 23 hours and four types. */
export async function sendActivityEvents(server: TestServer, person: TestPerson): Promise<void> {
  const { secret } = await createToken(person, ['activity_tracker'], { name: 'Shop events' });
  // `order.placed` is half as frequent as each other type.
  const types = [
    'order.placed',
    'order.paid',
    'mail.sent',
    'basket.filled',
    'basket.filled',
    'mail.sent',
    'order.paid',
  ];
  const events = Array.from({ length: 600 }, (_, index) => ({
    specversion: '1.0',
    id: `event-${index}`,
    source: index % 3 === 0 ? '/shop/checkout' : '/shop/front',
    type: types[index % types.length],
    subject: `customer-${index % 40}`,
    time: new Date(Date.now() - (((index * 37) % 100) / 100) * 23 * HOUR_MS).toISOString(),
    data: { total: index, currency: 'EUR' },
  }));
  const sent = await server.call('/v1/activity/events', {
    body: JSON.stringify(events),
    headers: { 'content-type': 'application/cloudevents-batch+json', ...bearer(secret) },
  });
  assert.equal(sent.status, 201, sent.text);
}

export interface ErrorReport {
  readonly type: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Reports errors with a new token, and returns the ID of each report's issue. */
export async function reportErrors(
  server: TestServer,
  person: TestPerson,
  reports: readonly ErrorReport[],
): Promise<string[]> {
  const { secret } = await createToken(person, ['error_tracker'], { name: 'Shop errors' });
  const issueIds: string[] = [];
  for (const body of reports) {
    const response = await server.call<{ issueId: string }>('/v1/errors/events', { body, headers: bearer(secret) });
    assert.equal(response.status, 201, response.text);
    issueIds.push(response.body.issueId);
  }
  return issueIds;
}

export const SAMPLE_STACK = `TypeError: Cannot read properties of undefined (reading 'total')
    at totalOf (/srv/shop/current/src/basket.ts:42:17)
    at placeOrder (/srv/shop/current/src/orders.ts:88:5)
    at async handle (/srv/shop/current/node_modules/fastify/lib/handle.js:12:3)
    at process.processTicksAndRejections (node:internal/process/task_queues:103:5)`;
