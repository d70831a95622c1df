import type { FastifyRequest } from 'fastify';
import type { CredentialRecord } from '../authorization/record.ts';
import { Problem } from '../contract/problem.ts';
import { HEADERS } from '../contract/vocabulary.ts';
import { findWorkspaceById } from '../store/workspaces.ts';
import type { AppContext } from './app-context.ts';

/** The workspace id or slug that a request names, or null if it names none. */
export function requestedWorkspace(request: FastifyRequest): string | null {
  const header = request.headers['devpilot-workspace'];
  return typeof header === 'string' && header !== '' ? header : null;
}

/** Whether a workspace is the one that a request names by id or slug. */
export async function isRequestedWorkspace(
  context: AppContext,
  requestedIdOrSlug: string,
  workspaceId: string,
): Promise<boolean> {
  if (requestedIdOrSlug === workspaceId) return true;
  return (await findWorkspaceById(context.store.read, workspaceId))?.slug === requestedIdOrSlug;
}

/**
 * Refuses a credential's request that names a workspace other than the credential's own, so that nothing happens in the
 * wrong one.
 */
export async function rejectOtherWorkspace(
  context: AppContext,
  request: FastifyRequest,
  record: CredentialRecord,
): Promise<void> {
  const requestedIdOrSlug = requestedWorkspace(request);
  if (requestedIdOrSlug === null || (await isRequestedWorkspace(context, requestedIdOrSlug, record.workspace.id)))
    return;
  throw new Problem(
    'not_found',
    `The credential does not belong to the workspace in the header ${HEADERS.workspace}. Remove the header, or use a credential of that workspace.`,
  );
}

export function workspaceNotFound(): Problem {
  return new Problem(
    'not_found',
    `The workspace was not found. Set the header ${HEADERS.workspace}, or create a workspace with POST /v1/workspaces.`,
  );
}
