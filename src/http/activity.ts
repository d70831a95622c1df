import { Readable } from 'node:stream';
import {
  ActivityEvent,
  ActivityQuery,
  ActivityTaken,
  Analytics,
  AnalyticsQuery,
  CloudEvent,
} from '../contract/activity.ts';
import { pageOf } from '../contract/schemas.ts';
import { LIMITS, RESOURCE_LIMITS } from '../contract/words.ts';
import { analyticsJson, listEvents, readAnalytics } from '../workspace/activity.ts';
import { readCloudEvents } from '../workspace/cloud-events.ts';
import { analyticsLines, asksForCsv, CSV_TYPE, eventLines } from './activity-csv.ts';
import type { House } from './house.ts';
import { bytesOf, principalIdOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Activity';
const read = { person: 'member', token: ['activity_tracker_analytics'] } as const;

export function activityRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'POST',
      url: '/v1/activity/events',
      access: { person: 'admin', token: ['activity_tracker'] },
      summary:
        'Send events: CloudEvents 1.0 in structured, batched or binary mode; a batch is stored whole or not at all',
      tag,
      takes: 'bytes',
      consumes: ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'],
      bodyLimit: RESOURCE_LIMITS.activityBody,
      body: CloudEvent,
      answers: { 201: ActivityTaken },
      handler: async ({ request, reply }) => {
        const now = workspace.clock();
        const events = await readCloudEvents(request.headers, bytesOf(request), now);
        return reply
          .code(201)
          .send(await workspace.ingest.take(workspaceIdOf(request), events, now, principalIdOf(request)));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/activity/events',
      access: read,
      summary: 'List events, newest first; with Accept: text/csv up to 100,000 of them, streamed',
      tag,
      query: ActivityQuery,
      answers: { 200: pageOf(ActivityEvent) },
      handler: async ({ query, request, reply }) => {
        const list = (asked: ActivityQuery) => listEvents(workspace, workspaceIdOf(request), asked);
        if (!asksForCsv(request)) return list(query);
        const first = await list({ ...query, limit: String(LIMITS.page.max) });
        return reply.type(CSV_TYPE).send(Readable.from(eventLines(first, query, list)));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/activity/analytics',
      access: read,
      summary:
        'Events and distinct subjects over time, by type, source or subject; with Accept: text/csv a line a point',
      tag,
      query: AnalyticsQuery,
      answers: { 200: Analytics },
      handler: async ({ query, request, reply }) => {
        const chart = await readAnalytics(workspace, workspaceIdOf(request), query);
        if (asksForCsv(request)) return reply.type(CSV_TYPE).send(Readable.from(analyticsLines(chart)));
        return reply.type('application/json; charset=utf-8').send(Readable.from(analyticsJson(chart)));
      },
    }),
  ];
}
