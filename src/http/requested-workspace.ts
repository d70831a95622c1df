import type { FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import { HEADERS } from '../contract/vocabulary.ts';
import { findWorkspaceById } from '../store/workspaces.ts';
import type { AppContext } from './app-context.ts';

/** Returns the ID or slug of the workspace that a request names, or null if it names none. */
export function requestedWorkspace(request: FastifyRequest): string | null {
  const header = request.headers['devpilot-workspace'];
  return typeof header === 'string' && header !== '' ? header : null;
}

/** Whether a workspace is the one that a request names by ID or slug. Needs I/O for a slug. */
export function isRequestedWorkspace(
  context: AppContext,
  requestedIdOrSlug: string,
  workspaceId: string,
): boolean | Promise<boolean> {
  if (requestedIdOrSlug === workspaceId) return true;
  return findWorkspaceById(context.store.read, workspaceId).then((workspace) => workspace?.slug === requestedIdOrSlug);
}

/** The error if a request names a workspace to which its credential does not belong. */
export function workspaceMismatch(): Problem {
  return new Problem(
    'not_found',
    `The credential does not belong to the workspace in the header ${HEADERS.workspace}. Remove the header, or use a credential of that workspace.`,
  );
}

/** The error for a person who is not a member of the requested workspace, or of any workspace if none is requested. */
export function workspaceNotFound(): Problem {
  return new Problem(
    'not_found',
    `The workspace was not found. Set the header ${HEADERS.workspace} to the ID or slug of one of your workspaces, or create a workspace with POST /v1/workspaces.`,
  );
}
