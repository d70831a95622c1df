import { AUDIT_ACTIONS, type AuditAction } from '../../contract/event-names.ts';
import { DAY, HOUR } from '../../contract/limits.ts';
import type { AuditListQuery } from '../../sdk/client.ts';
import { strings } from './strings.ts';

/** Ranges that end now. Other ranges use the URL's `from` and `to`. */
export const RELATIVE_RANGES: Readonly<Record<string, { readonly label: string; readonly durationMs: number }>> = {
  '1h': { label: strings.auditQuery.ranges.lastHour, durationMs: HOUR },
  '24h': { label: strings.auditQuery.ranges.last24Hours, durationMs: DAY },
  '7d': { label: strings.auditQuery.ranges.last7Days, durationMs: 7 * DAY },
  '30d': { label: strings.auditQuery.ranges.last30Days, durationMs: 30 * DAY },
};

/** The names of the filters in the URL. */
export const FILTERS = ['action', 'actor', 'target', 'credential', 'since', 'from', 'to'] as const;

function isAction(value: string | undefined): value is AuditAction {
  return AUDIT_ACTIONS.some((action) => action === value);
}

function parseInstant(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Converts the URL's filters to the API's query. Invalid values are ignored. */
export function toAuditQuery(get: (name: string) => string | undefined, now: number): AuditListQuery {
  const action = get('action');
  const range = RELATIVE_RANGES[get('since') ?? ''];
  return {
    action: isAction(action) ? action : undefined,
    actor: get('actor'),
    target: get('target'),
    credential: get('credential'),
    from: range === undefined ? parseInstant(get('from')) : new Date(now - range.durationMs).toISOString(),
    to: range === undefined ? parseInstant(get('to')) : undefined,
  };
}
