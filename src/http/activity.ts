import { Readable } from 'node:stream';
import {
  ActivityEvent,
  ActivityIngestResult,
  ActivityQuery,
  Analytics,
  AnalyticsQuery,
  CloudEvent,
} from '../contract/activity.ts';
import { LIMITS, RESOURCE_LIMITS } from '../contract/limits.ts';
import { pageOf } from '../contract/paging.ts';
import { analyticsAsJson, listEvents, readAnalytics } from '../platform/activity/activity.ts';
import { readCloudEvents } from '../platform/activity/cloud-events.ts';
import { acceptsCsv, analyticsAsCsv, CSV_TYPE, eventsAsCsv } from './activity-csv.ts';
import type { AppContext } from './app-context.ts';
import { principalIdOf, workspaceIdOf } from './principal.ts';
import { type Route, rawBodyOf, route } from './route.ts';

const tag = 'Activity';
const readAccess = { person: 'member', token: ['activity_tracker_analytics'] } as const;

export function activityRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'POST',
      url: '/v1/activity/events',
      access: { person: 'admin', token: ['activity_tracker'] },
      about: 'workspace',
      summary:
        'Send CloudEvents 1.0 events in structured, batched or binary mode; a batch is stored completely or not at all',
      tag,
      bodyFormat: 'bytes',
      consumes: ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'],
      bodyLimit: RESOURCE_LIMITS.activityBodyBytes,
      body: CloudEvent,
      responses: { 201: ActivityIngestResult },
      handler: async ({ request }) => {
        const now = platform.clock();
        const events = await readCloudEvents(request.headers, rawBodyOf(request), now);
        return platform.activityIngest.ingest(workspaceIdOf(request), events, now, principalIdOf(request));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/activity/events',
      access: readAccess,
      about: 'workspace',
      summary: 'List events, newest first; with Accept: text/csv, stream up to 100,000 of them',
      tag,
      query: ActivityQuery,
      responses: { 200: pageOf(ActivityEvent) },
      handler: async ({ query, request, reply }) => {
        const list = (pageQuery: ActivityQuery) => listEvents(platform, workspaceIdOf(request), pageQuery);
        if (!acceptsCsv(request)) return list(query);
        const first = await list({ ...query, limit: String(LIMITS.page.max) });
        return reply.type(CSV_TYPE).send(Readable.from(eventsAsCsv(first, query, list)));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/activity/analytics',
      access: readAccess,
      about: 'workspace',
      summary:
        'Get counts of events and unique subjects over time, by type, source or subject; with Accept: text/csv, one line per point',
      tag,
      query: AnalyticsQuery,
      responses: { 200: Analytics },
      handler: async ({ query, request, reply }) => {
        const chart = await readAnalytics(platform, workspaceIdOf(request), query);
        if (acceptsCsv(request)) return reply.type(CSV_TYPE).send(Readable.from(analyticsAsCsv(chart)));
        return reply.type('application/json; charset=utf-8').send(Readable.from(analyticsAsJson(chart)));
      },
    }),
  ];
}
