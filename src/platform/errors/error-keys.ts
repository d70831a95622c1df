import { randomBytes } from 'node:crypto';
import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { CreateErrorKey, ErrorKey } from '../../contract/errors.ts';
import { createId } from '../../contract/id.ts';
import { toIsoString } from '../../contract/instant.ts';
import { ERROR_KEY_LIMITS } from '../../contract/limits.ts';
import type { Page, PageQuery } from '../../contract/paging.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import {
  countErrorKeys,
  deleteErrorKeys,
  type ErrorKeyRow,
  findErrorKey,
  insertErrorKey,
  listErrorKeys as listKeyRows,
} from '../../store/error-keys.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import { findResource } from '../../store/resources.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { isAllowedResource } from '../resources/resources.ts';

/** 128 random bits, written in hex because Sentry SDKs accept only word characters. */
const KEY_BYTES = 16;

/**
 * Returns the DSN for Sentry SDKs. The error key is the user name. The path ends with a project number, which the SDKs
 * require and Devpilot ignores.
 */
function dsnOf(publicKey: string, baseUrl: string): string {
  const url = new URL(baseUrl);
  return `${url.protocol}//${publicKey}@${url.host}${url.pathname.replace(/\/+$/, '')}/1`;
}

function serializeErrorKey(row: ErrorKeyRow, baseUrl: string): ErrorKey {
  return {
    id: row.id,
    name: row.name,
    app: row.app_slug,
    allowedOrigins: JSON.parse(row.allowed_origins) as string[],
    publicKey: row.public_key,
    dsn: dsnOf(row.public_key, baseUrl),
    createdAt: toIsoString(row.created_at),
  };
}

/**
 * Creates a key that can only submit errors. `baseUrl` is the URL at which callers reach this server. Throws
 * `validation_failed` for an app that is unknown or not accessible, or beyond the maximum number of keys, and
 * `idempotent_replay` for a repeated request.
 */
export function createErrorKey(
  context: PlatformContext,
  request: RequestContext,
  input: CreateErrorKey,
  baseUrl: string,
): Promise<ErrorKey> {
  const { workspaceId } = request;
  const now = context.clock();
  const id = createId('error_key', now);
  return context.store.transaction(async (trx) => {
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    const app =
      input.app === undefined || input.app === null ? null : await findResource(trx, 'app', workspaceId, input.app);
    if (app === undefined) throw invalidField('app', 'must be an app of this workspace');
    // A credential that is restricted to projects or apps cannot create a key for all apps.
    const isRestricted = (request.allowed ?? null) !== null;
    const isAllowed = app === null ? !isRestricted : isAllowedResource(request.allowed, app);
    if (!isAllowed) throw invalidField('app', 'must be an app of this workspace');
    if ((await countErrorKeys(trx, workspaceId)) >= ERROR_KEY_LIMITS.perWorkspace) {
      throw invalidField('name', `the workspace already has ${ERROR_KEY_LIMITS.perWorkspace} error keys, the maximum`);
    }
    const { name } = input;
    const allowedOrigins = [...new Set(input.allowedOrigins ?? [])];
    await insertErrorKey(trx, {
      id,
      workspace_id: workspaceId,
      name,
      public_key: randomBytes(KEY_BYTES).toString('hex'),
      app_id: app?.id ?? null,
      allowed_origins: JSON.stringify(allowedOrigins),
      created_at: now,
    });
    const after = { app: app?.slug ?? null, allowedOrigins };
    await recordAuditEvent(trx, request, 'error_key.created', { kind: 'error_key', id, name }, now, { after });
    const row = await findErrorKey(trx, workspaceId, id);
    if (row === undefined) throw new Problem('internal');
    return serializeErrorKey(row, baseUrl);
  });
}

/** Lists keys, newest first. */
export async function listErrorKeys(
  context: PlatformContext,
  workspaceId: string,
  query: PageQuery,
  baseUrl: string,
  allowed: AllowedResources | null,
): Promise<Page<ErrorKey>> {
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listKeyRows(context.store.read, workspaceId, allowed, page);
  return toPage(
    rows,
    page.limit,
    '-createdAt',
    (row) => ({ value: row.created_at, id: row.id }),
    (row) => serializeErrorKey(row, baseUrl),
  );
}

/**
 * Deletes a key. Nodes query the store for every envelope, so no node accepts the key once this resolves. Throws
 * `not_found`.
 */
export async function deleteErrorKey(context: PlatformContext, request: RequestContext, id: string): Promise<void> {
  await context.store.transaction(async (trx) => {
    const [deleted] = await deleteErrorKeys(trx, request.workspaceId, 'id', id);
    if (deleted === undefined) throw new Problem('not_found', 'The error key was not found in this workspace.');
    await recordAuditEvent(trx, request, 'error_key.deleted', { kind: 'error_key', ...deleted }, context.clock(), {});
  });
}

/**
 * Deletes the keys of a deleted app and records an audit event for each. If the keys remained without an app, they
 * could report errors for every app.
 */
export async function deleteErrorKeysOf(trx: Trx, request: RequestContext, appId: string, now: number): Promise<void> {
  for (const { id, name } of await deleteErrorKeys(trx, request.workspaceId, 'app_id', appId)) {
    await recordAuditEvent(trx, request, 'error_key.deleted', { kind: 'error_key', id, name }, now, { app: appId });
  }
}

/** Limits the rate of each key on this node with a leaky bucket. */
export interface KeyRateLimiter {
  /** Counts one envelope. Throws `rate_limited` above the limit. */
  consume(keyId: string, now: number): void;
}

const MAX_BUCKETS = 10_000;

export function createKeyRateLimiter({
  burst,
  perSecond,
}: Pick<typeof ERROR_KEY_LIMITS, 'burst' | 'perSecond'>): KeyRateLimiter {
  const buckets = new Map<string, { level: number; updatedAt: number }>();
  return {
    consume(keyId, now) {
      const bucket = buckets.get(keyId);
      const elapsedMs = bucket === undefined ? 0 : Math.max(0, now - bucket.updatedAt);
      const level = Math.max(0, (bucket?.level ?? 0) - (elapsedMs * perSecond) / 1000) + 1;
      if (level > burst) {
        const retryAfter = Math.max(1, Math.ceil((level - burst) / perSecond));
        throw new Problem('rate_limited', 'This error key has exceeded its rate limit.', { retryAfter });
      }
      buckets.delete(keyId);
      buckets.set(keyId, { level, updatedAt: now });
      if (buckets.size <= MAX_BUCKETS) return;
      const [oldest] = buckets.keys();
      if (oldest !== undefined) buckets.delete(oldest);
    },
  };
}
