import { z } from 'zod';
import { Backup, BackupQuery, CreateBackup } from '../contract/backups.ts';
import { pageOf } from '../contract/paging.ts';
import { createBackup, deleteBackup, getBackup, listBackupsOf } from '../platform/backups/backups.ts';
import { restoreBackup } from '../platform/backups/restores.ts';
import type { AppContext } from './app-context.ts';
import { jobRoute } from './job-routes.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';

const tag = 'Backups';
const AppParams = z.object({ app: z.string().max(64) });
const key = ['manage_backups'] as const;

export function backupRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      about: 'app',
      summary: 'List the backups of an app, newest first; after the app was deleted, by its ID',
      tag,
      params: AppParams,
      query: BackupQuery,
      responses: { 200: pageOf(Backup) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listBackupsOf(platform, workspaceIdOf(request), params.app, query),
    }),
    jobRoute(context, {
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      about: 'app',
      summary: 'Back up an app: its shared directory, or the output of its backup command',
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
      about: 'backup',
      summary: 'Get a backup and the result of its last restore',
      tag,
      params: IdParams,
      responses: { 200: Backup },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getBackup(platform, workspaceIdOf(request), params.id),
    }),
    jobRoute(context, {
      url: '/v1/backups/:id/restore',
      access: { person: 'admin', key },
      about: 'backup',
      summary: 'Restore a backup in place, after verifying its SHA-256',
      tag,
      params: IdParams,
      schema: Backup,
      action: (request, { id }) => restoreBackup(platform, request, id),
    }),
    route({
      method: 'DELETE',
      url: '/v1/backups/:id',
      access: { person: 'admin', key },
      about: 'backup',
      summary: 'Delete a backup and its stored data',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => deleteBackup(platform, requestContextOf(context, request), params.id),
    }),
  ];
}
