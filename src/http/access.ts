import type { FastifyRequest } from 'fastify';
import { GUARD_REQUIREMENT, type Requirement, requireAll, requireAny } from '../authorization/rights.ts';
import type { Permission, Role, Scope } from '../contract/vocabulary.ts';

/**
 * Who can call a route, declared next to its handler. Kinds of principals that are not listed are rejected.
 * `signed_in` accepts any signed-in person, with or without a workspace; `operator` accepts people who administer the
 * installation; a role accepts members of the requested workspace with at least that role. `any` accepts every
 * authenticated principal.
 */
export type Access =
  | {
      readonly public: true;
      /**
       * The CORS headers for requests from other origins. If set, the session cookie is ignored, because browsers also
       * send it with requests from pages of other origins.
       */
      readonly cors?: Readonly<Record<string, string>>;
    }
  | { readonly any: true }
  | {
      readonly person?: 'signed_in' | 'operator' | Role;
      /** Any one of these scopes is sufficient. */
      readonly token?: readonly Scope[];
      /** Any one of these permissions is sufficient. */
      readonly key?: readonly Permission[];
    }
  /** API keys with the permission `read` and the flag `guard`. */
  | { readonly guard: true; readonly person?: undefined; readonly token?: undefined; readonly key: readonly ['read'] };

/**
 * Every ID and slug matches this. Other text is not recorded with a use: PostgreSQL, for example, does not accept NUL
 * in JSON.
 */
const ID_OR_SLUG = /^[a-z0-9_-]{1,64}$/;

/** Returns the ID or slug of the app in the path of a request, or null. Does not check whether the app exists. */
export function requestedApp({ params, routeOptions }: FastifyRequest): string | null {
  if (routeOptions.url?.startsWith('/v1/apps/:app') !== true) return null;
  const { app } = params as { app?: unknown };
  return typeof app === 'string' && ID_OR_SLUG.test(app) ? app : null;
}

/** Accepts every valid access token and API key. */
export const ANY_CREDENTIAL: Requirement = {
  access_token: requireAll('access_token', []),
  api_key: requireAll('api_key', []),
};

/**
 * Returns what a route's access requires of each kind of credential; null for a kind that gives no access. A public
 * route needs no credential.
 */
export function requirementOf(access: Access): Requirement {
  if ('public' in access) return { access_token: null, api_key: null };
  if ('any' in access) return ANY_CREDENTIAL;
  if ('guard' in access) return { access_token: null, api_key: GUARD_REQUIREMENT };
  return {
    access_token: access.token === undefined ? null : requireAny('access_token', access.token),
    api_key: access.key === undefined ? null : requireAny('api_key', access.key),
  };
}
