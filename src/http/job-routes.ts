/** Declares routes that all kinds of jobs have: deployments, script runs and backups. */

import type { z } from 'zod';
import type { RequestContext } from '../audit/request-context.ts';
import type { Code } from '../contract/error-codes.ts';
import { LogLine, LogQuery } from '../contract/logs.ts';
import { invalidField } from '../contract/problem.ts';
import type { LogReadOptions } from '../platform/logs/logs.ts';
import { searchLines } from '../platform/logs/search.ts';
import type { AppContext } from './app-context.ts';
import { streamLines } from './log-stream.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { type CommonRouteFields, type Route, route } from './route.ts';

interface JobRouteFields<Params extends z.ZodType> extends CommonRouteFields {
  readonly url: string;
  readonly tag: string;
  readonly params: Params;
}

interface JobDeclaration<Params extends z.ZodType, Body extends z.ZodType>
  extends JobRouteFields<Params>,
    Pick<Route, 'accessForBody' | 'accessForResource'> {
  readonly body?: Body;
  readonly schema: z.ZodType;
  /** The collection of the created job, for the header `Location`; absent if the route does not create a job. */
  readonly createdIn?: string;
  readonly action: (
    request: RequestContext,
    params: z.output<Params>,
    body: z.output<Body>,
  ) => Promise<{ readonly id: string }>;
}

/**
 * Declares a POST route that creates a job or acts on one. It responds with 202, because the job's status changes
 * later.
 */
export function jobRoute<Params extends z.ZodType, Body extends z.ZodType>(
  context: AppContext,
  { schema, createdIn, action, ...declaration }: JobDeclaration<Params, Body>,
): Route {
  return route({
    ...declaration,
    method: 'POST',
    responses: { 202: schema },
    errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
    handler: async ({ params, body, request, reply }) => {
      const job = await action(requestContextOf(context, request), params, body);
      if (createdIn !== undefined) reply.header('location', `${createdIn}/${job.id}`);
      return job;
    },
  });
}

interface LogDeclaration<Params extends z.ZodType> extends JobRouteFields<Params> {
  readonly errorCodes: readonly Code[];
  /** Finds the log before the response starts, so that the response can still be an error. Returns its reader. */
  readonly openLog: (
    workspaceId: string,
    params: z.output<Params>,
  ) => Promise<(options: LogReadOptions) => AsyncGenerator<string>>;
}

/** Declares a GET route that streams a log as NDJSON. */
export function logRoute<Params extends z.ZodType>(
  context: AppContext,
  { openLog, ...declaration }: LogDeclaration<Params>,
): Route {
  return route({
    ...declaration,
    method: 'GET',
    query: LogQuery,
    responses: { 200: LogLine },
    streamsNdjson: true,
    handler: async ({ params, query, request, reply }) => {
      if (query.q !== undefined && query.follow === 'true')
        throw invalidField('q', 'must not be set together with follow=true');
      const readLog = await openLog(workspaceIdOf(request), params);
      const options = {
        from: Number(query.from ?? 0),
        follow: query.follow === 'true',
        includeUnfinished: query.partial === 'true',
      };
      const { q } = query;
      return streamLines(context, request, reply, (signal) => {
        const chunks = readLog({ ...options, signal });
        return q === undefined ? chunks : searchLines(chunks, q);
      });
    },
  });
}
