import type { FastifyRequest } from 'fastify';
import type { ResourceCheck } from '../authorization/restricted-use.ts';
import { Problem } from '../contract/problem.ts';
import { type AllowedResources, type AllowedType, isAllowedResource } from '../store/resource-access.ts';
import type { AppContext } from './app-context.ts';
import type { Route } from './route.ts';

/**
 * What a credential that is restricted to some projects and apps can do with a route:
 * - an `AllowedType`: use it if the credential has access to the resource in the path, which has this type;
 * - `filtered`: use it with the resources to which the credential has access; the handler ensures this
 *   (`allowedResourcesOf`);
 * - `workspace`: nothing, because the route is about resources that belong to no app, such as servers; they are hidden;
 * - `guard`: nothing, because a guard reads all credentials of the workspace;
 * - `none`: use it without limits, because nothing in the request or response belongs to an app.
 */
export type ResourceAccess = AllowedType | 'filtered' | 'workspace' | 'guard' | 'none';

declare module 'fastify' {
  interface FastifyContextConfig {
    resourceAccess?: ResourceAccess;
  }
}

/** Returns the `resourceAccess` of a route. Throws if the route accepts credentials but does not declare it. */
export function resourceAccessOf({
  access,
  resourceAccess,
  method,
  url,
}: Pick<Route, 'access' | 'resourceAccess' | 'method' | 'url'>): ResourceAccess {
  if (resourceAccess !== undefined) return resourceAccess;
  if ('guard' in access) return 'guard';
  const acceptsCredentials =
    !('public' in access || 'any' in access) && (access.token !== undefined || access.key !== undefined);
  if (acceptsCredentials) throw new Error(`${String(method)} ${url} does not declare its resourceAccess.`);
  return 'none';
}

const paramNamesOf = ({ params }: FastifyRequest): string[] =>
  Object.keys((params ?? {}) as Readonly<Record<string, unknown>>);

/** Returns the check of the resource in the path of a request; undefined if no resource must be checked. */
export function resourceCheckOf(context: AppContext, request: FastifyRequest): ResourceCheck | undefined {
  const { resourceAccess = 'none' } = request.routeOptions.config;
  if (resourceAccess === 'none' || resourceAccess === 'filtered') return undefined;
  if (resourceAccess === 'guard') return () => false;
  // A POST without a parameter in its path creates a resource that belongs to no app, which is refused. Existing ones
  // are hidden from the credential by `workspaceIdOf`.
  if (resourceAccess === 'workspace') return () => request.method !== 'POST' || paramNamesOf(request).length > 0;
  return (allowed, workspaceId) => {
    const params = request.params as Readonly<Record<string, unknown>>;
    const parameter =
      resourceAccess === 'project' || resourceAccess === 'app' || resourceAccess === 'script' ? resourceAccess : 'id';
    const idOrSlug = params[parameter];
    return typeof idOrSlug === 'string' && isAllowed(context, resourceAccess, workspaceId, idOrSlug, allowed);
  };
}

/**
 * Whether a restricted credential has access to a resource. Needs no I/O if the credential lists the ID of the
 * resource.
 */
export function isAllowed(
  context: AppContext,
  type: AllowedType,
  workspaceId: string,
  idOrSlug: string,
  allowed: AllowedResources,
): boolean | Promise<boolean> {
  if (type === 'app' && allowed.apps.has(idOrSlug)) return true;
  if (type === 'project' && allowed.projects.has(idOrSlug)) return true;
  // No stored text contains NUL, and PostgreSQL does not accept it.
  if (idOrSlug.includes('\0')) return false;
  return isAllowedResource(context.store, type, workspaceId, idOrSlug, allowed);
}

const NOUNS: Readonly<Record<AllowedType, string>> = {
  project: 'project',
  app: 'app',
  deployment: 'deployment',
  backup: 'backup',
  error_issue: 'issue',
  error_key: 'error key',
  source_map: 'source map',
  script: 'script',
  run: 'run',
};

/**
 * The error if `resourceCheckOf` refuses a credential. For a resource in the path, it is the same as if the resource
 * did not exist.
 */
export function resourceNotAllowed({ routeOptions }: FastifyRequest): Problem {
  const { resourceAccess = 'none' } = routeOptions.config;
  if (
    resourceAccess === 'none' ||
    resourceAccess === 'filtered' ||
    resourceAccess === 'workspace' ||
    resourceAccess === 'guard'
  ) {
    return new Problem('forbidden', 'This request requires a credential that is not restricted to projects or apps.');
  }
  return new Problem('not_found', `The ${NOUNS[resourceAccess]} was not found in this workspace.`);
}

/** Returns the projects and apps to which the credential of a request is restricted; null if it is not restricted. */
export function allowedResourcesOf({ principal }: FastifyRequest): AllowedResources | null {
  if (principal === null || principal.kind === 'person') return null;
  return principal.record.restrictions?.resources ?? null;
}
