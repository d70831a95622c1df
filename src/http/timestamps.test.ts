import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { ErrorEvent, ErrorIssue } from '../contract/errors.ts';
import { DAY, HOUR } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { listEvents } from '../platform/activity/activity.ts';
import { createActivityIngest } from '../platform/activity/activity-ingest.ts';
import type { PlatformContext } from '../platform/context.ts';
import type { ReportedError } from '../platform/errors/error-grouping.ts';
import { createErrorIngest } from '../platform/errors/error-ingest.ts';
import { listErrorIssues, listIssueEvents } from '../platform/errors/issues.ts';
import { mendInstants } from '../store/migrations/0040-mend-instants.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createErrorKey, sentryAuth } from '../testing/error-keys.ts';
import {
  bearer,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { seedWorkspace } from '../testing/test-store.ts';

const NOW = Date.parse('2027-02-24T09:30:00.000Z');
const iso = (time: number) => new Date(time).toISOString();

forEachEngine('timestamps from clients', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let tokenHeaders: Record<string, string>;
  let errorKeyHeaders: Record<string, string>;
  let store: Store;
  before(async () => {
    testServer = await startTestServer({ clock: () => NOW, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
    tokenHeaders = bearer((await createToken(owner, ['all'])).secret);
    errorKeyHeaders = sentryAuth((await createErrorKey(owner)).publicKey);
    store = await engine.open();
  });
  after(async () => {
    await store.close();
    await testServer.close();
  });

  async function listData<Item>(path: string): Promise<Item[]> {
    const page = await owner.call<Page<Item>>(path);
    assert.equal(page.status, 200, page.text);
    return page.body.data;
  }

  /** Sends an event as a Sentry SDK does. Returns the stored occurrence. */
  async function sendEnvelope(name: string, timestamp: unknown): Promise<ErrorEvent> {
    const event = {
      timestamp,
      exception: { values: [{ type: name, value: 'x' }] },
      breadcrumbs: [{ timestamp, message: 'before' }],
    };
    const body = `{}\n{"type":"event"}\n${JSON.stringify(event)}\n`;
    const response = await testServer.call('/api/1/envelope/', { method: 'POST', headers: errorKeyHeaders, body });
    assert.equal(response.status, 200, response.text);
    const issue = (await listData<ErrorIssue>('/v1/errors/issues')).find(({ type }) => type === name);
    const [occurrence] = await listData<ErrorEvent>(`/v1/errors/issues/${issue?.id}/events`);
    assert.ok(issue !== undefined && occurrence !== undefined);
    assert.equal(issue.lastSeenAt, occurrence.time);
    return occurrence;
  }

  test('an envelope timestamp can be in seconds, milliseconds or text; the current time replaces one that is invalid or over a day ahead', async () => {
    const hourAgo = NOW - HOUR;
    const rows: [name: string, timestamp: unknown, time: number, breadcrumb: string | null][] = [
      ['Seconds', hourAgo / 1000, hourAgo, iso(hourAgo)],
      ['Text', iso(hourAgo), hourAgo, iso(hourAgo)],
      ['Milliseconds', hourAgo, hourAgo, iso(hourAgo)],
      // A date that was computed by taking milliseconds for seconds.
      ['MillisecondsAsText', iso(hourAgo * 1000), hourAgo, iso(hourAgo)],
      ['Microseconds', hourAgo * 1000, NOW, null],
      ['Tomorrow', (NOW + DAY) / 1000, NOW + DAY, iso(NOW + DAY)],
      ['DayAfter', (NOW + DAY + 1000) / 1000, NOW, iso(NOW + DAY + 1000)],
      ['Year9999', '9999-12-31T23:59:59.999Z', NOW, '9999-12-31T23:59:59.999Z'],
      ['Negative', -1, NOW, null],
      // The zero value of Go's time.Time.
      ['GoZero', '0001-01-01T00:00:00Z', NOW, null],
      ['Huge', 1e308, NOW, null],
      ['Null', null, NOW, null],
      ['Object', {}, NOW, null],
    ];
    for (const [name, timestamp, time, breadcrumb] of rows) {
      const occurrence = await sendEnvelope(name, timestamp);
      const message = `${name}: ${JSON.stringify(occurrence)}`;
      assert.equal(occurrence.time, iso(time), message);
      assert.equal(occurrence.breadcrumbs[0]?.at, breadcrumb, message);
    }
  });

  test('error reports and activity events accept times from 1970 to 9999; the current time replaces a time over a day ahead', async () => {
    const rows: [time: string, status: number, stored: string | null][] = [
      ['1970-01-01T00:00:00Z', 201, '1970-01-01T00:00:00.000Z'],
      ['1970-01-01T00:00:00+01:00', 422, null],
      ['0001-01-01T00:00:00Z', 422, null],
      ['9999-12-31T23:59:59.999Z', 201, iso(NOW)],
      ['9999-12-31T23:59:59-01:00', 422, null],
      ['9999-12-31T24:00:00Z', 422, null],
      [iso(NOW + DAY), 201, iso(NOW + DAY)],
      [iso(NOW + DAY + 1), 201, iso(NOW)],
    ];
    for (const [index, [time, status, stored]] of rows.entries()) {
      const type = `Case${index}`;
      const report = await testServer.call<{ issueId: string }>('/v1/errors/events', {
        headers: tokenHeaders,
        body: { type, message: 'x', time },
      });
      assert.equal(report.status, status, `${time}: ${report.text}`);
      const event = await testServer.call('/v1/activity/events', {
        headers: tokenHeaders,
        body: { specversion: '1.0', id: type, source: 'test', type, time },
      });
      assert.equal(event.status, status, `${time}: ${event.text}`);
      const issues = await listData<ErrorIssue>('/v1/errors/issues?limit=200');
      const events = await listData<{ id: string; time: string }>('/v1/activity/events?limit=200');
      assert.equal(issues.find((issue) => issue.type === type)?.lastSeenAt ?? null, stored, time);
      assert.equal(events.find(({ id }) => id === type)?.time ?? null, stored, time);
    }
  });

  test('a time range in a query accepts the years 1970 to 9999', async () => {
    for (const path of ['/v1/activity/events', '/v1/audit-events']) {
      assert.equal((await owner.call(`${path}?from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z`)).status, 200);
      for (const from of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00']) {
        assert.equal((await owner.call(`${path}?from=${encodeURIComponent(from)}`)).status, 422, `${path} ${from}`);
      }
    }
  });

  test('the migration corrects timestamps that earlier versions stored and could not list, and nothing else', async () => {
    const { workspaceId } = await seedWorkspace(store);
    const errorIngest = createErrorIngest(store);
    const activityIngest = createActivityIngest(store);
    const breadcrumb = (at: string | null, message: string) => ({ at, message, category: null, level: null });
    const error = (type: string, at: number, breadcrumbs: ReportedError['breadcrumbs']): ReportedError => ({
      type,
      message: 'x',
      stack: null,
      frames: [],
      tags: {},
      level: 'error',
      release: null,
      environment: null,
      app: null,
      fingerprint: null,
      breadcrumbs,
      at,
    });
    const farFuture = NOW * 1000;
    const timestampAsText = '"at":"+058857-01-01T00:00:00.000Z"';
    const validBreadcrumbs = [breadcrumb(iso(NOW), timestampAsText)];
    await errorIngest.ingest(workspaceId, error('Good', NOW, validBreadcrumbs), NOW, 'tok_1');
    await errorIngest.ingest(
      workspaceId,
      error('Far', farFuture, [breadcrumb(iso(farFuture), timestampAsText), ...validBreadcrumbs]),
      NOW,
      'tok_1',
    );
    await errorIngest.ingest(workspaceId, error('Old', -1, []), NOW, 'tok_1');
    const event = (id: string, at: number) => ({ id, source: 's', type: 't', subject: null, data: null, at });
    await activityIngest.ingest(
      workspaceId,
      [event('good', NOW), event('far', farFuture), event('old', -1)],
      NOW,
      'tok_1',
    );

    const statements = mendInstants(store.engine === 'sqlite' ? 'blob' : 'bytea');
    await store.transaction(async (trx) => {
      for (const statement of statements) await sql.raw(statement).execute(trx);
    });

    const context = { store, clock: () => NOW } as PlatformContext;
    const { data: issues } = await listErrorIssues(context, workspaceId, {}, null);
    assert.deepEqual(issues.map(({ type, lastSeenAt, firstSeenAt }) => [type, lastSeenAt, firstSeenAt]).sort(), [
      ['Far', iso(NOW), iso(NOW)],
      ['Good', iso(NOW), iso(NOW)],
      ['Old', iso(NOW), iso(NOW)],
    ]);
    for (const issue of issues) {
      ErrorIssue.parse(issue);
      const { data: occurrences } = await listIssueEvents(context, workspaceId, issue.id, {});
      const [occurrence] = occurrences.map((occurrence) => ErrorEvent.parse(occurrence));
      assert.equal(occurrence?.time, iso(NOW));
      const expectedBreadcrumbs =
        { Good: validBreadcrumbs, Far: [breadcrumb(null, timestampAsText), ...validBreadcrumbs] }[issue.type] ?? [];
      assert.deepEqual(occurrence?.breadcrumbs, expectedBreadcrumbs);
    }
    const { data: events } = await listEvents(context, workspaceId, {});
    assert.deepEqual(events.map(({ id, time }) => [id, time]).sort(), [
      ['far', iso(NOW)],
      ['good', iso(NOW)],
      ['old', iso(NOW)],
    ]);
  });
});
