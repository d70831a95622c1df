import { z } from 'zod';
import {
  CreateErrorKey,
  ErrorEvent,
  ErrorIssue,
  ErrorIssueDetail,
  ErrorKey,
  ErrorReport,
  ErrorTaken,
  IssueQuery,
  UpdateIssue,
} from '../contract/errors.ts';
import { PageQuery, pageOf } from '../contract/schemas.ts';
import { createErrorKey, deleteErrorKey, listErrorKeys } from '../workspace/error-keys.ts';
import {
  deleteErrorIssue,
  errorOfReport,
  findErrorIssue,
  listErrorIssues,
  listIssueEvents,
  updateErrorIssue,
} from '../workspace/errors.ts';
import type { House } from './house.ts';
import { addressOf } from './own-address.ts';
import { changerOf, principalIdOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Errors';
const token = ['error_tracker'] as const;
const keyAccess = { person: 'admin', key: ['write', 'manage_apps'] } as const;
const Id = z.object({ id: z.string().max(64) });

export function errorRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'POST',
      url: '/v1/errors/events',
      access: { person: 'admin', token },
      summary: 'Report an error; it is counted in its issue',
      tag,
      body: ErrorReport,
      answers: { 201: ErrorTaken },
      handler: async ({ body, request, reply }) => {
        const now = workspace.clock();
        const issueId = await workspace.reports.take(
          workspaceIdOf(request),
          errorOfReport(body, now),
          now,
          principalIdOf(request),
        );
        return reply.code(201).send({ issueId });
      },
    }),
    route({
      method: 'GET',
      url: '/v1/errors/keys',
      access: keyAccess,
      summary: 'List error keys, newest first',
      tag,
      query: PageQuery,
      answers: { 200: pageOf(ErrorKey) },
      handler: ({ query, request }) =>
        listErrorKeys(workspace, workspaceIdOf(request), query, addressOf(house, request)),
    }),
    route({
      method: 'POST',
      url: '/v1/errors/keys',
      access: keyAccess,
      summary: 'Create a public key that can only submit errors, and its DSN for Sentry SDKs',
      tag,
      body: CreateErrorKey,
      answers: { 201: ErrorKey },
      codes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const origin = addressOf(house, request);
        const key = await createErrorKey(workspace, changerOf(house, request), body, origin);
        return reply.code(201).send(key);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/errors/keys/:id',
      access: keyAccess,
      summary: 'Delete an error key; no node takes errors with it from then on',
      tag,
      params: Id,
      answers: { 204: z.null().describe('Deleted') },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        await deleteErrorKey(workspace, changerOf(house, request), params.id);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/errors/issues',
      access: { person: 'member', token },
      summary: 'List issues, last seen first',
      tag,
      query: IssueQuery,
      answers: { 200: pageOf(ErrorIssue) },
      handler: ({ query, request }) => listErrorIssues(workspace, workspaceIdOf(request), query),
    }),
    route({
      method: 'GET',
      url: '/v1/errors/issues/:id',
      access: { person: 'member', token },
      summary: 'Get an issue with its releases, environments and apps',
      tag,
      params: Id,
      answers: { 200: ErrorIssueDetail },
      codes: ['not_found'],
      handler: ({ params, request }) => findErrorIssue(workspace, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'PATCH',
      url: '/v1/errors/issues/:id',
      access: { person: 'admin', token },
      summary:
        'Resolve, reopen or mute an issue; a resolved one reopens when it is seen again, a muted one stays muted and is counted',
      tag,
      params: Id,
      body: UpdateIssue,
      answers: { 200: ErrorIssueDetail },
      codes: ['not_found'],
      handler: ({ params, body, request }) =>
        updateErrorIssue(workspace, changerOf(house, request), params.id, body.status),
    }),
    route({
      method: 'DELETE',
      url: '/v1/errors/issues/:id',
      access: { person: 'admin', token },
      summary: 'Delete an issue with its occurrences; the same error makes a new issue when it is reported again',
      tag,
      params: Id,
      answers: { 204: z.null().describe('Deleted') },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        await deleteErrorIssue(workspace, changerOf(house, request), params.id);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/errors/issues/:id/events',
      access: { person: 'member', token },
      summary: 'List the occurrences kept of an issue, newest first',
      tag,
      params: Id,
      query: PageQuery,
      answers: { 200: pageOf(ErrorEvent) },
      codes: ['not_found'],
      handler: ({ params, query, request }) => listIssueEvents(workspace, workspaceIdOf(request), params.id, query),
    }),
  ];
}
