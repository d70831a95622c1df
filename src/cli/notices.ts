import { NOTICE_KINDS, NOTICE_STATUSES } from '../contract/event-names.ts';
import type { Notice } from '../contract/notices.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { parseChoice, parseCount, parseInstant } from './input.ts';
import { type Column, formatInstant, printJson, printList, printNote, sanitizeInline, takeFirst } from './output.ts';

const addressesOf = ({ credential }: Notice): string =>
  credential?.addresses
    .map(({ address, lastSeenAt }) => `${address} (${formatInstant(lastSeenAt, 'never')})`)
    .join(', ') ?? '';

const COLUMNS: readonly Column<Notice>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'SINCE', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  { title: 'STATUS', getValue: ({ status, urgent }) => (status === 'open' && urgent ? 'urgent' : status) },
  { title: 'NOTICE', getValue: ({ title }) => title },
  { title: 'ACTION', getValue: ({ action }) => action.text },
  { title: 'CREDENTIAL CREATED BY', getValue: ({ credential }) => credential?.createdBy?.email ?? null },
  { title: 'CREDENTIAL USED FROM', getValue: (notice) => addressesOf(notice) || null },
];

export interface ListNoticesOptions extends RemoteOptions {
  readonly status: string;
  readonly kind: string | undefined;
  readonly limit: string | undefined;
}

/** Lists notices, newest first. */
export async function listNotices({ status, kind, limit, ...options }: ListNoticesOptions): Promise<void> {
  const query = {
    ...(status !== 'all' && { status: parseChoice('--status', status, NOTICE_STATUSES) }),
    ...(kind !== undefined && { kind: parseChoice('--kind', kind, NOTICE_KINDS) }),
  };
  const limitCount = parseCount('--limit', limit) ?? Number.POSITIVE_INFINITY;
  await printList(await takeFirst(connect(options).notices.all(query), limitCount), COLUMNS, options);
}

/** Dismisses notices, or snoozes them with `--until`. */
export async function dismissNotices(
  ids: readonly string[],
  { until, ...options }: RemoteOptions & { readonly until: string | undefined },
): Promise<void> {
  const { notices } = connect(options);
  const body = until === undefined ? {} : { until: parseInstant('--until', until) };
  const dismissed: Notice[] = [];
  for (const id of ids) dismissed.push(await notices.dismiss(id, body));
  if (options.json === true) return printJson(dismissed);
  const verb = until === undefined ? 'Dismissed' : 'Snoozed';
  for (const { title } of dismissed) printNote(`${verb}: ${sanitizeInline(title)}`, options);
}
