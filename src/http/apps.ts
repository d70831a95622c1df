import { App, AppQuery, CreateApp, UpdateApp } from '../contract/apps.ts';
import { createApp, deleteApp, getApp, listApps, updateApp } from '../platform/resources/apps.ts';
import type { AppContext } from './app-context.ts';
import { resourceRoutes } from './resource-routes.ts';
import type { Route } from './route.ts';

const readAccess = { person: 'member', key: ['read', 'manage_apps'] } as const;
const writeAccess = { person: 'admin', key: ['write', 'manage_apps'] } as const;
const deleteAccess = { person: 'admin', key: ['delete', 'manage_apps'] } as const;

export function appRoutes(context: AppContext): Route[] {
  return resourceRoutes(context, {
    noun: 'app',
    tag: 'Apps',
    schema: App,
    list: {
      access: readAccess,
      resourceAccess: 'filtered',
      summary: 'List apps',
      query: AppQuery,
      errorCodes: ['not_found'],
      action: listApps,
    },
    create: {
      access: writeAccess,
      resourceAccess: 'filtered',
      summary: 'Create an app',
      body: CreateApp,
      action: createApp,
    },
    get: { access: readAccess, resourceAccess: 'app', summary: 'Get an app', action: getApp },
    update: {
      access: writeAccess,
      resourceAccess: 'app',
      summary: 'Edit an app',
      body: UpdateApp,
      action: updateApp,
    },
    remove: {
      access: deleteAccess,
      resourceAccess: 'app',
      summary: 'Delete an app and its environment',
      action: deleteApp,
    },
  });
}
