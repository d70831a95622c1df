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
      about: 'list',
      summary: 'List apps',
      query: AppQuery,
      errorCodes: ['not_found'],
      action: listApps,
    },
    create: { access: writeAccess, about: 'list', summary: 'Create an app', body: CreateApp, action: createApp },
    get: { access: readAccess, about: 'app', summary: 'Get an app', action: getApp },
    update: {
      access: writeAccess,
      about: 'app',
      summary: 'Edit an app',
      body: UpdateApp,
      action: updateApp,
    },
    remove: { access: deleteAccess, about: 'app', summary: 'Delete an app and its environment', action: deleteApp },
  });
}
