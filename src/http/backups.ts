import { z } from 'zod';
import { Backup, BackupQuery, CreateBackup } from '../contract/backups.ts';
import { pageOf } from '../contract/paging.ts';
import { createBackup, deleteBackup, getBackup, listBackupsOf, restoreBackup } from '../platform/backups/backups.ts';
import type { AppContext } from './app-context.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Backups';
const AppParams = z.object({ app: z.string().max(64) });
const BackupParams = z.object({ id: z.string().max(64) });
const key = ['manage_backups'] as const;

export function backupRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      summary: 'List the backups of an app, newest first; after the app was deleted, by its ID',
      tag,
      params: AppParams,
      query: BackupQuery,
      responses: { 200: pageOf(Backup) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listBackupsOf(platform, workspaceIdOf(request), params.app, query),
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      summary: 'Back up an app: its shared directory, or the output of its backup command',
      tag,
      params: AppParams,
      body: CreateBackup.nullish(),
      responses: { 202: Backup },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, request, reply }) => {
        const backup = await createBackup(platform, requestContextOf(context, request), params.app);
        return reply.code(202).header('location', `/v1/backups/${backup.id}`).send(backup);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/backups/:id',
      access: { person: 'member', key },
      summary: 'Get a backup and the result of its last restore',
      tag,
      params: BackupParams,
      responses: { 200: Backup },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getBackup(platform, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/backups/:id/restore',
      access: { person: 'admin', key },
      summary: 'Restore a backup in place, after verifying its SHA-256',
      tag,
      params: BackupParams,
      responses: { 202: Backup },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, request, reply }) =>
        reply.code(202).send(await restoreBackup(platform, requestContextOf(context, request), params.id)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/backups/:id',
      access: { person: 'admin', key },
      summary: 'Delete a backup and its stored data',
      tag,
      params: BackupParams,
      responses: { 204: z.null().describe('Done') },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteBackup(platform, requestContextOf(context, request), params.id);
        return reply.code(204).send();
      },
    }),
  ];
}
