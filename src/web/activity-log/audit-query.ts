import { DAY, HOUR } from '../../contract/limits.ts';
import { AUDIT_ACTIONS, type AuditAction } from '../../contract/vocabulary.ts';
import type { AuditListQuery } from '../../sdk/client.ts';

/** Ranges that end now; `from` and `to` of the address stand for all others. */
export const RELATIVE_RANGES: Readonly<Record<string, { readonly label: string; readonly durationMs: number }>> = {
  '1h': { label: 'Last hour', durationMs: HOUR },
  '24h': { label: 'Last 24 hours', durationMs: DAY },
  '7d': { label: 'Last 7 days', durationMs: 7 * DAY },
  '30d': { label: 'Last 30 days', durationMs: 30 * DAY },
};

/** Every filter of the log, by its word in the address. */
export const FILTERS = ['action', 'actor', 'target', 'credential', 'since', 'from', 'to'] as const;

function isAction(value: string | undefined): value is AuditAction {
  return AUDIT_ACTIONS.some((action) => action === value);
}

function parseInstant(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** What the address asks for, as the API takes it. Words that mean nothing are left out. Pure. */
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
