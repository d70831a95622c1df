import { Readable } from 'node:stream';
import { z } from 'zod';
import { Backup, BackupKey, BackupQuery, CreateBackup, RestoreBackup } from '../contract/backups.ts';
import { createFairShareLimiter } from '../contract/fair-share-limiter.ts';
import { pageOf } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import { replaceBackupKey } from '../platform/backups/backup-keys.ts';
import { createBackup, deleteBackup, getBackup, listBackupsOf } from '../platform/backups/backups.ts';
import { downloadBackup } from '../platform/backups/download.ts';
import { restoreBackup } from '../platform/backups/restores.ts';
import { startVerification } from '../platform/backups/verifications.ts';
import type { Access } from './access.ts';
import type { AppContext } from './app-context.ts';
import { jobRoute } from './job-routes.ts';
import { signalWhileAllowed } from './log-stream.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { allowedResourcesOf } from './resource-access.ts';
import { AppParams, IdParams, NoContent, type Route, route } from './route.ts';

const tag = 'Backups';
const key = ['manage_backups'] as const;
const restoreAccess = { person: 'admin', key } as const;
const restoreOnServerAccess = { person: 'admin', key: ['manage_servers'] } as const;

/** A restore that names a server also requires the permission to manage servers. */
const restoreAccessFor = (body: unknown): Access =>
  typeof body === 'object' && body !== null && 'server' in body ? restoreOnServerAccess : restoreAccess;

/** Maximum number of concurrent downloads on this node, shared by all workspaces. */
const MAX_DOWNLOADS = 32;

export function backupRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const downloads = createFairShareLimiter(MAX_DOWNLOADS);
  return [
    route({
      method: 'GET',
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      resourceAccess: 'app',
      summary: 'List the backups of an app',
      description: 'Newest first. If the app was deleted, use its ID.',
      tag,
      params: AppParams,
      query: BackupQuery,
      responses: { 200: pageOf(Backup) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) =>
        listBackupsOf(platform, workspaceIdOf(request), params.app, query, allowedResourcesOf(request)),
    }),
    jobRoute(context, {
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      resourceAccess: 'app',
      summary: 'Back up an app',
      description: 'Stores the shared directory of the app or, if it has a backup command, the output of the command.',
      tag,
      params: AppParams,
      body: CreateBackup.nullish(),
      schema: Backup,
      createdIn: '/v1/backups',
      action: (request, params) => createBackup(platform, request, params.app),
    }),
    route({
      method: 'GET',
      url: '/v1/backups/:id',
      access: { person: 'member', key },
      resourceAccess: 'backup',
      summary: 'Get a backup',
      tag,
      params: IdParams,
      responses: { 200: Backup },
      errorCodes: ['not_found'],
      handler: ({ params, request }) =>
        getBackup(platform, workspaceIdOf(request), params.id, allowedResourcesOf(request)),
    }),
    jobRoute(context, {
      url: '/v1/backups/:id/restore',
      access: restoreAccess,
      resourceAccess: 'backup',
      accessForBody: restoreAccessFor,
      summary: 'Restore a backup',
      description:
        'Verifies the SHA-256 of the backup, then restores the backup in place, into another app or on another server. To restore on another server, an API key also needs `manage_servers`.',
      tag,
      params: IdParams,
      body: RestoreBackup.nullish(),
      schema: Backup,
      action: (request, { id }, body) => restoreBackup(platform, request, id, body ?? {}),
    }),
    jobRoute(context, {
      url: '/v1/backups/:id/verify',
      access: { person: 'member', key },
      resourceAccess: 'backup',
      summary: 'Verify a backup',
      description:
        'Checks the SHA-256 of the stored data. If possible, also unpacks the data into a scratch directory on the server of the app, or passes it to the verification command.',
      tag,
      params: IdParams,
      schema: Backup,
      action: (request, { id }) => startVerification(platform, request, id),
    }),
    route({
      method: 'GET',
      url: '/v1/backups/:id/download',
      access: { person: 'admin', key },
      resourceAccess: 'backup',
      summary: 'Download a backup',
      description:
        'Returns the decrypted data: a tar archive compressed with gzip, or the output of the backup command compressed with zstd.',
      tag,
      params: IdParams,
      responses: { 200: z.unknown().describe('The decrypted bytes; `Repr-Digest` is their SHA-256 (RFC 9530)') },
      contentTypes: { 'application/gzip': null, 'application/zstd': null },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        const release = downloads.acquire(requestContext.workspaceId);
        if (release === null)
          throw new Problem('rate_limited', 'Too many downloads are in progress. Try again later.', { retryAfter: 30 });
        reply.raw.once('close', release);
        // If the client has already disconnected, no close event will be emitted.
        if (reply.raw.destroyed || request.raw.socket.destroyed) release();
        const { fileName, contentType, sizeBytes, sha256, open } = await downloadBackup(
          platform,
          requestContext,
          params.id,
        );
        reply.headers({
          'content-disposition': `attachment; filename="${fileName}"`,
          'content-length': String(sizeBytes),
          'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
        });
        reply.type(contentType);
        if (request.method === 'HEAD') return reply.send(Readable.from([]));
        return reply.send(await open(await signalWhileAllowed(context, request, reply)));
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/backups/:id',
      access: { person: 'admin', key },
      resourceAccess: 'backup',
      summary: 'Delete a backup and its stored data',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => deleteBackup(platform, requestContextOf(context, request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/backup-keys',
      access: { person: 'admin', key },
      resourceAccess: 'workspace',
      summary: 'Replace the backup key',
      description: 'The new key encrypts new backups. Existing backups stay readable.',
      tag,
      responses: { 201: BackupKey },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: ({ request }) => replaceBackupKey(platform, requestContextOf(context, request)),
    }),
  ];
}
