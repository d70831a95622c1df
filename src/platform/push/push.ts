import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SYSTEM_ACTOR } from '../../audit/log.ts';
import { type RequestContext, recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { PUSH_LIMITS } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import type { PushIgnoreReason, PushSecret, PushSettings } from '../../contract/push.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { listAppsWithPushSecret, replacePushSecret } from '../../store/push-secrets.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { deployPush } from '../deployments/deployments.ts';
import { requireResource } from '../resources/resources.ts';
import { deliveryIdOf, isPush, isSignedBy, type PushEvent, readPushEvent } from './events.ts';
import { matchesGlob } from './glob.ts';

/** Returns the associated data of the sealed push secret of an app. */
export const pushSecretAssociatedData = (row: { readonly app_id: string; readonly workspace_id: string }): string =>
  `push secret ${row.workspace_id} ${row.app_id}`;

/**
 * Creates or replaces the push secret of an app. Only this response contains it. Throws `not_found`,
 * `idempotent_replay` for a repeated request.
 */
export function createPushSecret(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<PushSecret> {
  const secret = randomBytes(32).toString('base64url');
  return context.store.transaction(async (trx) => {
    const now = context.clock();
    const app = await requireResource(trx, 'app', request.workspaceId, idOrSlug);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, app.id, now);
    const associatedData = pushSecretAssociatedData({ app_id: app.id, workspace_id: app.workspace_id });
    await replacePushSecret(trx, app, context.seal.seal(secret, associatedData), now);
    const target = { kind: 'app', id: app.id, name: app.name } as const;
    await recordAuditEvent(trx, request, 'app.push_secret_replaced', target, now, {});
    return { secret };
  });
}

/** Limits the requests of each IP address that no app's push secret has signed. `now` is in epoch milliseconds. */
export interface UnsignedRequestLimiter {
  /** Throws `rate_limited` after too many unsigned requests. */
  check(address: string, now: number): void;
  count(address: string, now: number): void;
}

/** A request from a Git host. */
export interface PushRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly address: string;
}

/**
 * Returns the app with whose push secret the request is signed. Throws `invalid_token` if there is none, and
 * `rate_limited` after too many requests without a valid signature.
 */
async function requireSigningApp(
  context: PlatformContext,
  limiter: UnsignedRequestLimiter,
  idOrSlug: string,
  { headers, body, address }: PushRequest,
): Promise<AppTable> {
  const now = context.clock();
  limiter.check(address, now);
  // PostgreSQL rejects texts with NUL characters.
  const candidates = idOrSlug.includes('\0')
    ? []
    : await listAppsWithPushSecret(context.store.read, idOrSlug, PUSH_LIMITS.candidates);
  const yieldIfDue = createYielder();
  for (const { secret_sealed, ...app } of candidates) {
    await yieldIfDue();
    const associatedData = pushSecretAssociatedData({ app_id: app.id, workspace_id: app.workspace_id });
    if (isSignedBy(context.seal.open(secret_sealed, associatedData), headers, body)) return app;
  }
  limiter.count(address, now);
  throw new Problem(
    'invalid_token',
    candidates.length < PUSH_LIMITS.candidates
      ? 'No app with this ID or slug has the push secret that signed the request. Check the URL and the secret at the Git host.'
      : 'Too many apps of this installation have this slug. Use the ID of the app in the URL at the Git host.',
  );
}

/**
 * Whether any of the patterns matches any of the texts. Also returns true if a text is too long or matching would take
 * too long.
 */
async function matchesAny(patterns: readonly string[], texts: readonly string[]): Promise<boolean> {
  const yieldIfDue = createYielder();
  let work = 0;
  for (const text of texts) {
    for (const pattern of patterns) {
      await yieldIfDue();
      work += pattern.length * text.length;
      const isTooMuch = text.length > PUSH_LIMITS.path || work > PUSH_LIMITS.matchingCost;
      if (isTooMuch || matchesGlob(pattern, text)) return true;
    }
  }
  return false;
}

/** Returns why a push does not start a deployment; null if it does. */
async function reasonToIgnore(app: AppTable, event: PushEvent): Promise<PushIgnoreReason | null> {
  const settings = app.push === null ? null : (JSON.parse(app.push) as PushSettings);
  const branches = settings?.branches ?? [];
  const { branch } = event;
  const isSelected =
    branch !== null &&
    branch.length <= PUSH_LIMITS.path &&
    (branches.length === 0 ? branch === app.branch : await matchesAny(branches, [branch]));
  if (!isSelected) return 'branch_not_selected';
  if (event.isDeletion) return 'branch_deleted';
  if (/\[(?:skip deploy|deploy skip)\]/i.test(event.message)) return 'skipped_by_message';
  const paths = settings?.paths ?? [];
  if (paths.length > 0 && event.paths !== null && !(await matchesAny(paths, event.paths))) {
    return 'paths_not_selected';
  }
  return null;
}

/** The result of a push: a deployment, or the reason why there is none. */
export type PushResult =
  | { readonly deployment: Deployment }
  | { readonly deployment: null; readonly reason: PushIgnoreReason };

/**
 * Deploys a branch after a Git host reports a push to it in an authenticated request, if the push matches the branch
 * and path filters of the app.
 * A repeated delivery deploys nothing. Throws `invalid_token`, `rate_limited`, `invalid_request`, `too_large`, and
 * `conflict` or `validation_failed` if the app cannot be deployed.
 */
export async function receivePush(
  context: PlatformContext,
  limiter: UnsignedRequestLimiter,
  idOrSlug: string,
  request: PushRequest,
): Promise<PushResult> {
  const app = await requireSigningApp(context, limiter, idOrSlug, request);
  if (!isPush(request.headers)) return { deployment: null, reason: 'not_a_push' };
  const event = await readPushEvent(request.body, request.headers['content-type'] ?? '');
  const reason = await reasonToIgnore(app, event);
  if (reason !== null) return { deployment: null, reason };
  const deliveryId = deliveryIdOf(request.headers);
  const system = systemRequestContext(app.workspace_id, request.headers['user-agent']?.slice(0, 255) ?? null);
  const requestContext: RequestContext = {
    ...system,
    actor: { ...SYSTEM_ACTOR, name: 'Git push' },
    origin: { ...system.origin, address: request.address },
    idempotencyClaim:
      deliveryId === null
        ? null
        : {
            workspaceId: app.workspace_id,
            principalId: app.id,
            route: 'POST /v1/apps/:app/push',
            key: deliveryId,
            bodyMac: createHash('sha256').update(request.body).digest('hex'),
          },
  };
  try {
    return { deployment: await deployPush(context, requestContext, app.id, event.branch ?? app.branch) };
  } catch (error) {
    const isRepeated = error instanceof Problem && error.code === 'idempotent_replay';
    if (!isRepeated) throw error;
    return { deployment: null, reason: 'already_delivered' };
  }
}
