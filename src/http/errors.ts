import {
  CreateErrorKey,
  ErrorEvent,
  ErrorIngestResult,
  ErrorIssue,
  ErrorIssueDetail,
  ErrorKey,
  ErrorReport,
  IssueQuery,
  UpdateIssue,
} from '../contract/errors.ts';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { createErrorKey, deleteErrorKey, listErrorKeys } from '../platform/errors/error-keys.ts';
import {
  deleteErrorIssue,
  getErrorIssue,
  listErrorIssues,
  listIssueEvents,
  reportedAppOf,
  toReportedError,
  updateErrorIssue,
} from '../platform/errors/issues.ts';
import type { AppContext } from './app-context.ts';
import { principalIdOf, workspaceIdOf } from './principal.ts';
import { baseUrlOf } from './public-origin.ts';
import { requestContextOf } from './request-context.ts';
import { allowedResourcesOf } from './resource-access.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';
import { sourceMapRoutes } from './source-maps.ts';

const tag = 'Errors';
const token = ['error_tracker'] as const;
const errorKeyAccess = { person: 'admin', key: ['write', 'manage_apps'] } as const;

export function errorRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'POST',
      url: '/v1/errors/events',
      access: { person: 'admin', token },
      resourceAccess: 'filtered',
      summary: 'Report an error',
      description: 'Adds the error to the issue of similar errors, or creates an issue.',
      tag,
      body: ErrorReport,
      responses: { 201: ErrorIngestResult },
      handler: async ({ body, request }) => {
        const now = platform.clock();
        const app = await reportedAppOf(platform, workspaceIdOf(request), body.app, allowedResourcesOf(request));
        const issueId = await platform.errorIngest.ingest(
          workspaceIdOf(request),
          toReportedError({ ...body, app }, now),
          now,
          principalIdOf(request),
        );
        return { issueId };
      },
    }),
    route({
      method: 'GET',
      url: '/v1/errors/keys',
      access: errorKeyAccess,
      resourceAccess: 'filtered',
      summary: 'List error keys',
      description: 'Newest first.',
      tag,
      query: PageQuery,
      responses: { 200: pageOf(ErrorKey) },
      handler: ({ query, request }) =>
        listErrorKeys(
          platform,
          workspaceIdOf(request),
          query,
          baseUrlOf(context, request),
          allowedResourcesOf(request),
        ),
    }),
    route({
      method: 'POST',
      url: '/v1/errors/keys',
      access: errorKeyAccess,
      resourceAccess: 'filtered',
      summary: 'Create an error key',
      description:
        'Returns an error key, which is not secret and can only submit errors, with its DSN for Sentry SDKs.',
      tag,
      body: CreateErrorKey,
      responses: { 201: ErrorKey },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request }) => {
        const baseUrl = baseUrlOf(context, request);
        return createErrorKey(platform, requestContextOf(context, request), body, baseUrl);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/errors/keys/:id',
      access: errorKeyAccess,
      resourceAccess: 'error_key',
      summary: 'Delete an error key',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => deleteErrorKey(platform, requestContextOf(context, request), params.id),
    }),
    ...sourceMapRoutes(context),
    route({
      method: 'GET',
      url: '/v1/errors/issues',
      access: { person: 'member', token },
      resourceAccess: 'filtered',
      summary: 'List issues',
      description: 'Most recently seen first by default.',
      tag,
      query: IssueQuery,
      responses: { 200: pageOf(ErrorIssue) },
      handler: ({ query, request }) =>
        listErrorIssues(platform, workspaceIdOf(request), query, allowedResourcesOf(request)),
    }),
    route({
      method: 'GET',
      url: '/v1/errors/issues/:id',
      access: { person: 'member', token },
      resourceAccess: 'error_issue',
      summary: 'Get an issue',
      description: 'Includes the releases, environments and apps in which the error occurred.',
      tag,
      params: IdParams,
      responses: { 200: ErrorIssueDetail },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getErrorIssue(platform, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'PATCH',
      url: '/v1/errors/issues/:id',
      access: { person: 'admin', token },
      resourceAccess: 'error_issue',
      summary: 'Resolve, reopen or mute an issue',
      description:
        'A resolved issue reopens when the error occurs again. If it was resolved with `release`, it does not reopen for errors of earlier releases. A muted issue stays muted, but its occurrences are counted.',
      tag,
      params: IdParams,
      body: UpdateIssue,
      responses: { 200: ErrorIssueDetail },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        updateErrorIssue(platform, requestContextOf(context, request), params.id, body),
    }),
    route({
      method: 'DELETE',
      url: '/v1/errors/issues/:id',
      access: { person: 'admin', token },
      resourceAccess: 'error_issue',
      summary: 'Delete an issue',
      description: 'Also deletes its occurrences. If the error is reported again, a new issue is created.',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => deleteErrorIssue(platform, requestContextOf(context, request), params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/errors/issues/:id/events',
      access: { person: 'member', token },
      resourceAccess: 'error_issue',
      summary: 'List the occurrences of an issue',
      description: 'Returns the stored occurrences, newest first.',
      tag,
      params: IdParams,
      query: PageQuery,
      responses: { 200: pageOf(ErrorEvent) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listIssueEvents(platform, workspaceIdOf(request), params.id, query),
    }),
  ];
}
