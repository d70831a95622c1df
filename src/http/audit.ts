import { Readable } from 'node:stream';
import { readAuditLog } from '../audit/log.ts';
import { AuditEvent, AuditQuery } from '../contract/audit-events.ts';
import { LIMITS } from '../contract/limits.ts';
import { pageOf } from '../contract/paging.ts';
import type { AppContext } from './app-context.ts';
import { membershipOf } from './principal.ts';
import { type Route, route } from './route.ts';

/**
 * Streams all entries that match the query, starting at its cursor, one JSON object per line. Reads the pages
 * no faster than the client receives them.
 */
async function* auditEventsAsNdjson(
  context: AppContext,
  workspaceId: string,
  query: AuditQuery,
): AsyncGenerator<string> {
  let cursor = query.cursor;
  for (;;) {
    const page = await readAuditLog(context.store.read, workspaceId, {
      ...query,
      cursor,
      limit: String(LIMITS.page.max),
    });
    yield page.data.map((event) => `${JSON.stringify(event)}\n`).join('');
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}

export function auditRoutes(context: AppContext): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/audit-events',
      access: { person: 'admin' },
      summary: 'List activity log entries',
      description:
        'Newest first. With `Accept: application/x-ndjson`, streams all matching entries instead of one page.',
      tag: 'Activity log',
      query: AuditQuery,
      responses: { 200: pageOf(AuditEvent) },
      contentTypes: { 'application/json': null, 'application/x-ndjson': null },
      handler: async ({ query, request, reply }) => {
        const { workspaceId } = membershipOf(request);
        await context.flushDenials();
        if (request.headers.accept?.toLowerCase().includes('application/x-ndjson') !== true) {
          return readAuditLog(context.store.read, workspaceId, query);
        }
        // Reads one entry before the response starts, so that an invalid cursor is still rejected with 422.
        await readAuditLog(context.store.read, workspaceId, { ...query, limit: '1' });
        return reply.type('application/x-ndjson').send(Readable.from(auditEventsAsNdjson(context, workspaceId, query)));
      },
    }),
  ];
}
