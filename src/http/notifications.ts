import { Notifications, UpdateNotifications } from '../contract/notifications.ts';
import { getNotifications, updateNotifications } from '../notify/notifications.ts';
import type { AppContext } from './app-context.ts';
import { signedInOf, workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { type Route, route } from './route.ts';

const common = { tag: 'Notices', access: { person: 'admin' }, url: '/v1/me/notifications' } as const;

export function notificationRoutes(context: AppContext): Route[] {
  const { notify } = context;
  return [
    route({
      ...common,
      method: 'GET',
      summary: 'Get your email settings for notices',
      responses: { 200: Notifications },
      handler: ({ request }) => getNotifications(notify, workspaceIdOf(request), signedInOf(request).personId),
    }),
    route({
      ...common,
      method: 'PATCH',
      summary: 'Change your email settings for notices',
      description: 'Kinds of notices that the request omits keep their settings.',
      body: UpdateNotifications,
      responses: { 200: Notifications },
      handler: ({ body, request }) =>
        updateNotifications(notify, requestContextOf(context, request), signedInOf(request).personId, body),
    }),
  ];
}
