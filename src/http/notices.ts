import { DismissNotice, Notice, NoticePage, NoticeQuery } from '../contract/notices.ts';
import { dismissNotice, listNotices, reopenNotice } from '../notify/notices.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { IdParams, type Route, route } from './route.ts';

const tag = 'Notices';
const access = { person: 'admin' } as const;
const url = '/v1/notices';

export function noticeRoutes(context: AppContext): Route[] {
  const { notify } = context;
  return [
    route({
      method: 'GET',
      url,
      access,
      tag,
      summary: 'List notices',
      description: 'Newest first. A notice is deleted when its cause no longer exists.',
      query: NoticeQuery,
      responses: { 200: NoticePage },
      handler: ({ query, request }) => listNotices(notify, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: `${url}/:id/dismiss`,
      params: IdParams,
      access,
      tag,
      summary: 'Dismiss or snooze a notice',
      description: 'With `until`, the notice is snoozed and opens again at that time.',
      body: DismissNotice,
      responses: { 200: Notice },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        dismissNotice(notify, requestContextOf(context, request), params.id, body),
    }),
    route({
      method: 'POST',
      url: `${url}/:id/reopen`,
      params: IdParams,
      access,
      tag,
      summary: 'Reopen a dismissed or snoozed notice',
      responses: { 200: Notice },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => reopenNotice(notify, requestContextOf(context, request), params.id),
    }),
  ];
}
