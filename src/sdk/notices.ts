import type { NoticeKind, NoticeStatus } from '../contract/event-names.ts';
import type { DismissNotice, Notice } from '../contract/notices.ts';
import type { Notifications, UpdateNotifications } from '../contract/notifications.ts';
import type { CountedPage } from '../contract/paging.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface NoticeListQuery extends Paging {
  readonly status?: NoticeStatus | undefined;
  readonly kind?: NoticeKind | undefined;
}

/** Notices about problems in a workspace that need attention, and the notification settings of the signed-in person. */
export function noticeClientsOf(transport: Transport) {
  const path = '/v1/notices';
  return {
    notifications: {
      get: (call?: CallOptions): Promise<Notifications> => transport.send('GET', '/v1/me/notifications', call),
      update: (body: UpdateNotifications, call?: CallOptions): Promise<Notifications> =>
        transport.send('PATCH', '/v1/me/notifications', { ...call, body }),
    },
    notices: {
      ...listOf<Notice, NoticeListQuery, CountedPage<Notice>>(transport, path),
      /** Dismisses a notice or, if `until` is set, snoozes it. */
      dismiss: (id: string, body: DismissNotice = {}, call?: CallOptions): Promise<Notice> =>
        transport.send('POST', `${pathTo(path, id)}/dismiss`, { ...call, body }),
      /** Reopens a notice that was dismissed or snoozed. */
      reopen: (id: string, call?: CallOptions): Promise<Notice> =>
        transport.send('POST', `${pathTo(path, id)}/reopen`, call),
    },
  };
}
