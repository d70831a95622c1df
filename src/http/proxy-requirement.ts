import { type Requirement, requireAll } from '../authorization/rights.ts';
import { RESOURCE_PATTERN } from '../contract/explanation.ts';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';

/**
 * Returns the values of a query parameter, which can be repeated or contain a list separated by spaces or commas; null
 * if it is missing.
 */
function parseList(query: URLSearchParams, name: string): string[] | null {
  if (!query.has(name)) return null;
  const values = query.getAll(name).flatMap((text) => text.split(/[\s,]+/).filter((word) => word !== ''));
  // A blank parameter becomes a name that no right has: a template that expanded to nothing must not grant access.
  return values.length === 0 ? [''] : [...new Set(values)];
}

/** Every query parameter that `/v1/authorize` supports. */
const KNOWN_PARAMETERS: ReadonlySet<string> = new Set(['scope', 'permission', 'resource']);
const MAX_SHOWN_NAME_LENGTH = 60;

export interface ProxyRequirement extends Requirement {
  /**
   * The name of an unsupported parameter, `resource` if one of its values is malformed, otherwise null. Unless it is
   * null, no credential meets the requirement, because a misspelled parameter must never weaken the check.
   */
  readonly invalidParameter: string | null;
  /** The projects and apps to which the credential must have access. */
  readonly resources: readonly RequiredResource[];
}

interface RequiredResource {
  readonly type: 'project' | 'app';
  readonly idOrSlug: string;
}

/** Parses `app:` or `project:` with an ID or slug; returns null for any other text. */
export function parseResource(text: string): RequiredResource | null {
  const { type, idOrSlug } = RESOURCE_PATTERN.exec(text)?.groups ?? {};
  if (type === undefined || idOrSlug === undefined) return null;
  return { type: type as RequiredResource['type'], idOrSlug };
}

/**
 * Returns the values of `resource`; null if one of them is malformed. A malformed value must never weaken the check.
 */
function parseResources(query: URLSearchParams): RequiredResource[] | null {
  const resources: RequiredResource[] = [];
  for (const text of query.getAll('resource')) {
    const resource = parseResource(text);
    if (resource === null) return null;
    resources.push(resource);
  }
  return resources;
}

/**
 * Parses the requirement of a proxy from the URL. If only one of `scope` and `permission` is present, the other kind of
 * credential is refused. If neither is present, any valid credential is accepted. No credential meets a requirement
 * with a scope or permission that does not exist.
 */
export function parseRequirement(url: string): ProxyRequirement {
  const queryStart = url.indexOf('?');
  const query = new URLSearchParams(queryStart === -1 ? '' : url.slice(queryStart + 1));
  const unknownParameter = [...query.keys()].find((name) => !KNOWN_PARAMETERS.has(name)) ?? null;
  const resources = parseResources(query);
  if (unknownParameter !== null || resources === null) {
    return {
      access_token: requireAll('access_token', ['']),
      api_key: requireAll('api_key', ['']),
      resources: [],
      invalidParameter: unknownParameter ?? 'resource',
    };
  }
  return {
    ...requirementOfRights(parseList(query, 'scope'), parseList(query, 'permission')),
    invalidParameter: null,
    resources,
  };
}

/**
 * Returns the requirement of a proxy. `scopes` or `permissions` is null if the proxy does not pass that parameter.
 */
export function requirementOfRights(
  scopes: readonly string[] | null,
  permissions: readonly string[] | null,
): Requirement {
  return {
    access_token: scopes === null && permissions !== null ? null : requireAll('access_token', scopes ?? []),
    api_key: permissions === null && scopes !== null ? null : requireAll('api_key', permissions ?? []),
  };
}

/** Returns the problem of a request whose parameter `name` is unsupported or, for `resource`, malformed. */
export function invalidParameterProblem(name: string): Problem {
  if (name === 'resource')
    return new Problem('forbidden', 'The parameter "resource" must be "app:" or "project:" followed by an ID or slug.');
  const shownName = redactSecrets(name).slice(0, MAX_SHOWN_NAME_LENGTH);
  return new Problem(
    'forbidden',
    `The parameter "${shownName}" is not supported. The supported parameters are scope, permission and resource.`,
  );
}
