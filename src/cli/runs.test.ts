import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runCommand } from '../testing/process.ts';

test('the details of a run name the schedule that created it, otherwise its creator', async (t) => {
  const run = {
    id: 'run_1',
    scriptId: 'scr_1',
    scriptVersion: 2,
    status: 'pending',
    exitCode: null,
    error: null,
    parameters: {},
    createdBy: { kind: 'person', id: 'per_1', name: 'Ada' },
    startedAt: null,
    finishedAt: null,
    createdAt: '2027-01-15T02:00:01.000Z',
    updatedAt: '2027-01-15T02:00:01.000Z',
  };
  const server = createServer((request, response) => {
    const scheduledFor = request.url?.endsWith('/scheduled') === true ? '2027-01-15T02:00:00.000Z' : null;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...run, scheduledFor }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const environment = { DEVPILOT_URL: `http://127.0.0.1:${port}`, DEVPILOT_TOKEN: 'unused' };
  const detailsOf = async (id: string) => (await runCommand(['runs', 'show', id], environment)).stdout;
  assert.match(
    await detailsOf('scheduled'),
    /\nCreated +2027-01-15T02:00:01\.000Z by schedule\nScheduled for +2027-01-15T02:00:00\.000Z\n/,
  );
  assert.match(await detailsOf('requested'), /\nCreated +2027-01-15T02:00:01\.000Z by Ada\nScheduled for +–\n/);
});
