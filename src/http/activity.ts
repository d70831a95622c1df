import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  ActivityEvent,
  ActivityIngestResult,
  ActivityQuery,
  Analytics,
  AnalyticsQuery,
  CloudEvent,
} from '../contract/activity.ts';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import { pageOf } from '../contract/paging.ts';
import { analyticsAsJson, eventsAsJson, getAnalytics, listEvents } from '../platform/activity/activity.ts';
import { readCloudEvents } from '../platform/activity/cloud-events.ts';
import { decompressBody } from '../platform/content-encoding.ts';
import { ANALYTICS_CSV_EXAMPLE, analyticsAsCsv, EVENT_COLUMNS, EVENTS_CSV_EXAMPLE } from './activity-csv.ts';
import type { AppContext } from './app-context.ts';
import { acceptsCsv, CSV_TYPE, startCsvExport } from './csv-export.ts';
import { principalIdOf, workspaceIdOf } from './principal.ts';
import { type Route, rawBodyOf, route } from './route.ts';

const tag = 'Activity';
const readAccess = { person: 'member', token: ['activity_tracker_analytics'] } as const;

const sendJson = (reply: FastifyReply, parts: AsyncIterable<string>) =>
  reply.type('application/json; charset=utf-8').send(Readable.from(parts));

/**
 * The format of `WebHook-Request-Origin`, with which a sender requests permission (CloudEvents webhooks, section 4.1).
 */
const SENDER_ORIGIN = /^[\w.*-]{1,253}(?::\d{1,5})?$/;
const SENDER_RATE = /^[1-9]\d{0,8}$/;

/**
 * Returns the headers with which the handshake permits a sender to deliver events. Every delivery still needs a
 * credential. The URL in `WebHook-Request-Callback` is never requested.
 */
function allowDelivery({ headers }: FastifyRequest): Record<string, string> {
  const { 'webhook-request-origin': origin, 'webhook-request-rate': rate } = headers;
  if (typeof origin !== 'string' || !SENDER_ORIGIN.test(origin)) return {};
  return {
    'webhook-allowed-origin': origin,
    'webhook-allowed-rate': typeof rate === 'string' && SENDER_RATE.test(rate) ? rate : '*',
  };
}

export function activityRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'POST',
      url: '/v1/activity/events',
      access: { person: 'admin', token: ['activity_tracker'] },
      resourceAccess: 'workspace',
      summary: 'Send activity events',
      description:
        'Accepts CloudEvents 1.0 in structured, batched or binary mode. A batch is stored completely or not at all.',
      tag,
      bodyFormat: 'bytes',
      consumes: ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'],
      bodyLimit: RESOURCE_LIMITS.activityBodyBytes,
      body: CloudEvent,
      responses: { 201: ActivityIngestResult },
      handler: async ({ request }) => {
        const now = platform.clock();
        const encoding = request.headers['content-encoding'];
        const body = await decompressBody(rawBodyOf(request), encoding, RESOURCE_LIMITS.activityBodyBytes);
        const events = await readCloudEvents(request.headers, body, now);
        return platform.activityIngest.ingest(workspaceIdOf(request), events, now, principalIdOf(request));
      },
    }),
    route({
      method: 'OPTIONS',
      url: '/v1/activity/events',
      access: { public: true },
      summary: 'Validate a sender of events',
      description:
        'The validation handshake of CloudEvents webhooks: a sender calls this before its first delivery. The response does not authorize deliveries, which need a credential.',
      tag,
      responses: {
        204: z.null().describe('The sender may deliver events if the response has the header `WebHook-Allowed-Origin`'),
      },
      handler: ({ request, reply }) =>
        reply.headers({ allow: 'GET, HEAD, POST, OPTIONS', ...allowDelivery(request) }).send(),
    }),
    route({
      method: 'GET',
      url: '/v1/activity/events',
      access: readAccess,
      resourceAccess: 'workspace',
      summary: 'List activity events',
      description: 'Newest first. With `Accept: text/csv`, streams up to 100,000 events.',
      tag,
      query: ActivityQuery,
      responses: { 200: pageOf(ActivityEvent) },
      contentTypes: { 'application/json': null, 'text/csv': EVENTS_CSV_EXAMPLE },
      handler: async ({ query, request, reply }) => {
        const list = (pageQuery: ActivityQuery) => listEvents(platform, workspaceIdOf(request), pageQuery);
        if (!acceptsCsv(request)) return sendJson(reply, eventsAsJson(await list(query)));
        const rows = await startCsvExport(EVENT_COLUMNS, RESOURCE_LIMITS.activityCsv, query, list);
        return reply.type(CSV_TYPE).send(Readable.from(rows));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/activity/analytics',
      access: readAccess,
      resourceAccess: 'workspace',
      summary: 'Get event counts over time',
      description:
        'Counts events and unique subjects per interval, grouped by type, source or subject. With `Accept: text/csv`, returns one line per point.',
      tag,
      query: AnalyticsQuery,
      responses: { 200: Analytics },
      contentTypes: { 'application/json': null, 'text/csv': ANALYTICS_CSV_EXAMPLE },
      handler: async ({ query, request, reply }) => {
        const chart = await getAnalytics(platform, workspaceIdOf(request), query);
        if (acceptsCsv(request)) return reply.type(CSV_TYPE).send(Readable.from(analyticsAsCsv(chart)));
        return sendJson(reply, analyticsAsJson(chart));
      },
    }),
  ];
}
