import type { RequestContext } from '../audit/request-context.ts';
import { digestOf, hintOf, mintSecret } from '../authorization/secret.ts';
import { createId } from '../contract/id.ts';
import { LIMITS, SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import type { Restrictions, RestrictionsInput } from '../contract/restrictions.ts';
import { EXCHANGE_LIMITS } from '../contract/token-exchange-limits.ts';
import { hasVisibleCharacter } from '../contract/visible-text.ts';
import { type AccessTokenOrigin, SCOPES, type Scope } from '../contract/vocabulary.ts';
import { widerRestriction } from '../contract/wider-restriction.ts';
import type { Trx } from '../store/store.ts';
import { insertNewCredential } from './credentials.ts';
import { resolveRestrictions } from './restrictions.ts';

/** An access token that was just issued. Only this object contains its secret. */
export interface IssuedToken {
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly Scope[];
  readonly lifetimeSeconds: number;
}

/** Returns an OAuth error (RFC 6749, section 5.2) with status 400. */
export const oauthError = (error: string, detail: string): Problem => new Problem('invalid_request', detail, { error });

/**
 * Returns a token name made from untrusted text: one line, without control and invisible characters, truncated to the
 * maximum length of a name and padded with periods to the minimum length; `Issued token` if nothing visible remains.
 * Pure.
 */
export function issuedTokenName(text: string): string {
  const visible = text
    .slice(0, LIMITS.name.max * 2)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .normalize('NFC');
  const name = [...visible].slice(0, LIMITS.name.max).join('').trim();
  return hasVisibleCharacter(name) ? name.padEnd(LIMITS.name.min, '.') : 'Issued token';
}

/**
 * Returns the requested scopes in the order of `SCOPES`, or `defaultValue` if the request names none. Throws the OAuth
 * errors `invalid_scope` for an unknown scope and for a scope that `granted` does not include, and `invalid_request` if
 * neither the request nor `defaultValue` names a scope.
 */
export function requestedScopes(
  text: string | undefined,
  granted: readonly Scope[],
  defaultValue: readonly Scope[] | null,
): Scope[] {
  const requested = [...new Set((text ?? '').split(/ +/).filter((name) => name !== ''))];
  if (requested.length === 0) {
    if (defaultValue === null)
      throw oauthError('invalid_request', 'scope is required: name the scopes of the new token.');
    return [...defaultValue];
  }
  const isGranted = (name: string) => granted.includes('all') || granted.includes(name as Scope);
  const excess = requested.filter((name) => !SCOPES.includes(name as Scope) || !isGranted(name));
  if (excess.length === 0) return SCOPES.filter((scope) => requested.includes(scope));
  throw oauthError('invalid_scope', `Scopes that cannot be granted: ${excess.join(' ').slice(0, 200)}.`);
}

/**
 * Returns the requested lifetime in seconds, or `defaultValue` if none was requested. Throws the OAuth error
 * `invalid_request` for a lifetime that is not a number, too short, or longer than `max`.
 */
export function requestedLifetime(
  requested: string | number | undefined,
  defaultValue: number,
  max: number = EXCHANGE_LIMITS.lifetimeSeconds.max,
): number {
  const { min } = EXCHANGE_LIMITS.lifetimeSeconds;
  const seconds = requested === undefined ? defaultValue : Number(requested);
  if (seconds >= min && seconds <= max) return seconds;
  throw oauthError('invalid_request', `expires_in must be from ${min} to ${max} seconds.`);
}

function tooWideProblem(member: keyof Restrictions): Problem {
  const isResource = member === 'projects' || member === 'apps';
  const fields = isResource ? 'restrictions.projects and restrictions.apps' : `restrictions.${member}`;
  const detail = `${fields} must not be wider than in the access token or workload identity that is used.`;
  return oauthError('invalid_request', detail);
}

/**
 * Returns the restrictions of a new token: `held`, the restrictions of the access token or workload identity for which
 * it is issued, tightened as requested. Throws the OAuth error `invalid_request` for a restriction that would be wider.
 * For an unknown project or app, throws `validation_failed`, or the same `invalid_request` if `held` restricts projects
 * or apps.
 */
export async function tightenedRestrictions(
  trx: Trx,
  workspaceId: string,
  held: Restrictions,
  requested: RestrictionsInput | undefined,
): Promise<Restrictions> {
  if (requested === undefined) return held;
  const { projects, apps, ...others } = requested;
  const resources = projects === undefined && apps === undefined ? {} : { projects: projects ?? [], apps: apps ?? [] };
  const isRestrictedToResources = held.projects.length + held.apps.length > 0;
  const tightened = await resolveRestrictions(trx, workspaceId, { ...others, ...resources }, held).catch(
    (error: unknown) => {
      // The error must not reveal whether a resource exists that the holder may not use.
      throw isRestrictedToResources && error instanceof Problem && error.code === 'validation_failed'
        ? tooWideProblem('apps')
        : error;
    },
  );
  const wider = widerRestriction(held, tightened);
  if (wider === null) return tightened;
  throw tooWideProblem(wider);
}

/**
 * Issues an access token for a workload identity or in exchange for another token, with its audit event. Throws the
 * errors of `appendAuditEvent`.
 */
export async function issueToken(
  trx: Trx,
  request: RequestContext,
  now: number,
  fields: {
    readonly name: string;
    readonly scopes: readonly Scope[];
    readonly lifetimeSeconds: number;
    readonly restrictions: Restrictions;
    readonly origin: Exclude<AccessTokenOrigin, 'person'>;
    readonly issuedBy: string;
  },
  claims?: Readonly<Record<string, string>>,
): Promise<IssuedToken> {
  const { scopes, lifetimeSeconds, origin } = fields;
  const id = createId('access_token', now);
  const secret = mintSecret('access_token');
  const credential = {
    id,
    workspaceId: request.workspaceId,
    kind: 'access_token' as const,
    name: issuedTokenName(fields.name),
    description: null,
    rights: scopes,
    active: true,
    guard: false,
    digest: digestOf(secret),
    hint: hintOf(secret),
    passphraseHash: null,
    expiresAt: now + lifetimeSeconds * SECOND,
    restrictions: fields.restrictions,
    createdAt: now,
    createdById: null,
    replaces: null,
    origin,
    issuedBy: fields.issuedBy,
  };
  if (!(await insertNewCredential(trx, request, credential, { origin, ...(claims !== undefined && { claims }) })))
    throw new Problem('internal');
  return { id, secret, scopes, lifetimeSeconds };
}
