import { AUDIT_ACTIONS, type AuditAction, DAY, HOUR } from '../../contract/words.ts';
import type { AuditListQuery } from '../../sdk/client.ts';

/** Ranges that end now; `from` and `to` of the address stand for all others. */
export const SPANS_BACK: Readonly<Record<string, { readonly label: string; readonly span: number }>> = {
  '1h': { label: 'Last hour', span: HOUR },
  '24h': { label: 'Last 24 hours', span: DAY },
  '7d': { label: 'Last 7 days', span: 7 * DAY },
  '30d': { label: 'Last 30 days', span: 30 * DAY },
};

/** Every filter of the log, by its word in the address. */
export const FILTERS = ['action', 'actor', 'target', 'credential', 'since', 'from', 'to'] as const;

function isAction(word: string | undefined): word is AuditAction {
  return AUDIT_ACTIONS.some((action) => action === word);
}

function instantOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** What the address asks for, as the API takes it. Words that mean nothing are left out. Pure. */
export function auditQueryOf(get: (name: string) => string | undefined, now: number): AuditListQuery {
  const action = get('action');
  const back = SPANS_BACK[get('since') ?? ''];
  return {
    action: isAction(action) ? action : undefined,
    actor: get('actor'),
    target: get('target'),
    credential: get('credential'),
    from: back === undefined ? instantOf(get('from')) : new Date(now - back.span).toISOString(),
    to: back === undefined ? instantOf(get('to')) : undefined,
  };
}
