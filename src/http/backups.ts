import { z } from 'zod';
import { Backup, BackupQuery, CreateBackup } from '../contract/backups.ts';
import { pageOf } from '../contract/schemas.ts';
import { createBackup, deleteBackup, getBackup, listBackupsOf, restoreBackup } from '../workspace/backups/backups.ts';
import type { House } from './house.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Backups';
const InPath = z.object({ app: z.string().max(64) });
const Id = z.object({ id: z.string().max(64) });
const key = ['manage_backups'] as const;

export function backupRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      summary: 'List the backups of an app, newest first; by its id also when the app is gone',
      tag,
      params: InPath,
      query: BackupQuery,
      answers: { 200: pageOf(Backup) },
      codes: ['not_found'],
      handler: ({ params, query, request }) => listBackupsOf(workspace, workspaceIdOf(request), params.app, query),
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/backups',
      access: { person: 'member', key },
      summary: 'Back up an app: its shared directory, or what its backup command writes',
      tag,
      params: InPath,
      body: CreateBackup.nullish(),
      answers: { 202: Backup },
      codes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, request, reply }) => {
        const backup = await createBackup(workspace, changerOf(house, request), params.app);
        return reply.code(202).header('location', `/v1/backups/${backup.id}`).send(backup);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/backups/:id',
      access: { person: 'member', key },
      summary: 'Get a backup, with what came of its last restore',
      tag,
      params: Id,
      answers: { 200: Backup },
      codes: ['not_found'],
      handler: ({ params, request }) => getBackup(workspace, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/backups/:id/restore',
      access: { person: 'admin', key },
      summary: 'Restore a backup in place; its SHA-256 is checked before anything is touched',
      tag,
      params: Id,
      answers: { 202: Backup },
      codes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, request, reply }) =>
        reply.code(202).send(await restoreBackup(workspace, changerOf(house, request), params.id)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/backups/:id',
      access: { person: 'admin', key },
      summary: 'Delete a backup and what is stored of it',
      tag,
      params: Id,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteBackup(workspace, changerOf(house, request), params.id);
        return reply.code(204).send();
      },
    }),
  ];
}
