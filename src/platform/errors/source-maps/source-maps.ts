import { type RequestContext, recordAuditEvent } from '../../../audit/request-context.ts';
import type { ErrorFrame, SourceMap } from '../../../contract/errors.ts';
import { createId } from '../../../contract/id.ts';
import { toIsoString } from '../../../contract/instant.ts';
import { RESOURCE_LIMITS } from '../../../contract/limits.ts';
import type { Page, PageQuery } from '../../../contract/paging.ts';
import { invalidField, Problem } from '../../../contract/problem.ts';
import { redactSecrets, redactSecretsOrNull } from '../../../contract/redact.ts';
import { readPageRequest, toPage } from '../../../store/paging.ts';
import type { AllowedResources } from '../../../store/resource-access.ts';
import { findResource, lockResource } from '../../../store/resources.ts';
import {
  deleteSourceMap as deleteSourceMapRow,
  evictSourceMaps,
  findSourceMap,
  listSourceMaps as listSourceMapRows,
  replaceSourceMap,
  type SourceMapRow,
} from '../../../store/source-maps.ts';
import type { PlatformContext } from '../../context.ts';
import { isAllowedResource } from '../../resources/resources.ts';
import { normalizeDebugId } from '../sentry-frames.ts';
import { isAppFrame, type ReportedFrame } from '../stack-frames.ts';

const serializeSourceMap = (row: SourceMapRow): SourceMap => ({
  id: row.id,
  app: row.app_slug,
  debugId: row.debug_id,
  file: row.file,
  bytes: row.size,
  createdAt: toIsoString(row.created_at),
});

/** Throws `validation_failed` if the app is unknown or the credential has no access to it. */
async function requireApp(context: PlatformContext, { workspaceId, allowed }: RequestContext, idOrSlug: string) {
  const app = await findResource(context.store.read, 'app', workspaceId, idOrSlug);
  if (app === undefined || !isAllowedResource(allowed, app))
    throw invalidField('app', 'must be an app of this workspace');
  return app;
}

/**
 * Stores the source map of a minified file, replaces the app's map with the same debug ID, and, beyond the limits of
 * the workspace, deletes the oldest maps of the apps with the most maps. Calls `read` when the map's turn has come.
 * Throws `validation_failed` if the body is not a source map or contains another debug ID, or the app is unknown or not
 * accessible; also `too_large`, `unavailable` if too many maps are queued, and the errors of `read`.
 */
export async function uploadSourceMap(
  context: PlatformContext,
  request: RequestContext,
  query: { readonly app: string; readonly debugId: string; readonly file: string },
  read: () => Promise<Uint8Array>,
): Promise<SourceMap> {
  const { workspaceId } = request;
  const debugId = normalizeDebugId(query.debugId);
  if (debugId === null) throw invalidField('debugId', 'must be a UUID');
  const app = await requireApp(context, request, query.app);
  const checked = await context.sourceMaps.check(workspaceId, read);
  if (!('packed' in checked)) throw invalidField('body', 'defect' in checked ? checked.defect : 'must be a source map');
  if (checked.debugId !== null && normalizeDebugId(checked.debugId) !== debugId) {
    throw invalidField('debugId', 'must be the debug ID that the source map contains');
  }
  if (checked.packed.length > RESOURCE_LIMITS.sourceMapBytes) throw new Problem('too_large');
  const now = context.clock();
  const id = createId('source_map', now);
  const file = redactSecrets(query.file);
  const size = checked.packed.length;
  return context.store.transaction(async (trx) => {
    // The app may have been deleted while the map was checked.
    if ((await lockResource(trx, 'app', workspaceId, app.id)) === undefined)
      throw invalidField('app', 'must be an app of this workspace');
    await replaceSourceMap(trx, {
      id,
      workspace_id: workspaceId,
      app_id: app.id,
      debug_id: debugId,
      file,
      size,
      map: checked.packed,
      created_at: now,
    });
    const evicted = await evictSourceMaps(
      trx,
      workspaceId,
      RESOURCE_LIMITS.sourceMaps,
      RESOURCE_LIMITS.sourceMapTotalBytes,
    );
    const detail = { app: app.slug, debugId, ...(evicted > 0 && { evicted }) };
    await recordAuditEvent(trx, request, 'source_map.uploaded', { kind: 'source_map', id, name: file }, now, detail);
    const row = await findSourceMap(trx, workspaceId, id);
    if (row === undefined)
      throw new Problem(
        'too_large',
        'Smaller source maps of other apps use all the space of the workspace. Delete some.',
      );
    return serializeSourceMap(row);
  });
}

/** Lists source maps, newest first. Throws `validation_failed` for an app that is unknown or not accessible. */
export async function listSourceMaps(
  context: PlatformContext,
  request: RequestContext,
  query: PageQuery & { readonly app?: string | undefined },
  allowed: AllowedResources | null,
): Promise<Page<SourceMap>> {
  const app = query.app === undefined ? null : await requireApp(context, request, query.app);
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listSourceMapRows(context.store.read, request.workspaceId, app?.id ?? null, allowed, page);
  return toPage(rows, page.limit, '-createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeSourceMap);
}

/** Deletes a source map. Throws `not_found`. */
export async function deleteSourceMap(context: PlatformContext, request: RequestContext, id: string): Promise<void> {
  const { workspaceId } = request;
  await context.store.transaction(async (trx) => {
    const row = await findSourceMap(trx, workspaceId, id);
    if (row === undefined) throw new Problem('not_found', 'The source map was not found in this workspace.');
    await deleteSourceMapRow(trx, workspaceId, id);
    const target = { kind: 'source_map', id, name: row.file } as const;
    await recordAuditEvent(trx, request, 'source_map.deleted', target, context.clock(), { app: row.app_slug });
  });
}

/** Serializes a frame as it was reported. */
const serializeFrame = (frame: ReportedFrame): ErrorFrame => ({
  function: frame.function,
  file: frame.file,
  line: frame.line,
  column: frame.column ?? null,
  module: frame.module ?? null,
  inApp: frame.inApp,
  context: frame.context ?? null,
  generated: null,
});

const isShortened = (name: string | null) => name === null || name.length <= 2;

/**
 * Serializes the frames of an occurrence. A frame of a minified file has its position in the source if the app has the
 * source map. `app` is the slug of the app; if it is null, the maps of all apps are used. No map is read after
 * `deadlineMs` on the clock of `performance.now()`.
 */
export async function applySourceMaps(
  context: PlatformContext,
  workspaceId: string,
  app: string | null,
  frames: readonly ReportedFrame[],
  deadlineMs: number,
): Promise<ErrorFrame[]> {
  const minified = [...frames.entries()].flatMap(([index, { debugId, line, column }]) =>
    typeof debugId === 'string' && typeof line === 'number' && typeof column === 'number' && line > 0 && column > 0
      ? [{ index, debugId, line, column }]
      : [],
  );
  if (minified.length === 0) return frames.map(serializeFrame);
  const resolved = await context.sourceMaps.resolve(workspaceId, app, minified, deadlineMs);
  const originals = new Map(minified.map(({ index }, order) => [index, resolved[order] ?? null]));
  return frames.map((frame, index) => {
    const reported = serializeFrame(frame);
    const original = originals.get(index) ?? null;
    if (original === null) return reported;
    // The call in the frame of the caller contains the original name of the function.
    const calledAs = originals.get(index + 1)?.name ?? null;
    const { file, line, column } = original;
    return {
      ...reported,
      function: redactSecretsOrNull(isShortened(frame.function) ? (calledAs ?? frame.function) : frame.function),
      file: redactSecrets(file),
      line,
      column,
      module: null,
      inApp: frame.inApp && !original.isIgnored && isAppFrame(file),
      context: original.context && { ...original.context, lines: original.context.lines.map(redactSecrets) },
      generated: { function: frame.function, file: frame.file, line: frame.line, column: frame.column ?? null },
    };
  });
}
