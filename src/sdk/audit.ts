import type { AuditEvent } from '../contract/audit-events.ts';

/** The last verified event of an activity log. */
export interface AuditPosition {
  readonly sequence: number;
  readonly hash: string;
}

/** Position before the first event of a log. */
const START: AuditPosition = { sequence: 0, hash: '0'.repeat(64) };

export interface AuditVerification {
  /** The last valid event. Pass it as `after` to continue the verification later. */
  readonly position: AuditPosition;
  /** Null if all events are valid; otherwise the sequence of the first invalid or missing event, and what is wrong. */
  readonly broken: { readonly sequence: number; readonly reason: 'missing' | 'modified' | 'not_linked' } | null;
}

const partyFields = (party: AuditEvent['target']) => [party?.kind ?? null, party?.id ?? null, party?.name ?? null];

/** Returns the hash of an event, which covers every field and the hash of the previous event, in hex. */
export async function hashOfAuditEvent(workspaceId: string, event: AuditEvent): Promise<string> {
  const { actor, target, credential } = event;
  const fields = [
    event.previousHash,
    workspaceId,
    event.sequence,
    event.id,
    Date.parse(event.at),
    event.action,
    partyFields(actor),
    partyFields(target),
    partyFields(credential),
    [event.address, event.userAgent, event.requestId],
    JSON.stringify(event.detail),
  ];
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(fields)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Verifies that events of an activity log, oldest first, have no gaps and are unmodified: each event contains the hash
 * of the previous event. Missing events after the last one cannot be detected. `after` is the last event verified
 * earlier; without it, the first event must be the first of the log. Repeated events are skipped, because webhooks can
 * send an event again. Needs no connection to Devpilot.
 */
export async function verifyAuditEvents(
  workspaceId: string,
  events: Iterable<AuditEvent> | AsyncIterable<AuditEvent>,
  after: AuditPosition = START,
): Promise<AuditVerification> {
  let position = after;
  const brokenAt = (sequence: number, reason: NonNullable<AuditVerification['broken']>['reason']) => ({
    position,
    broken: { sequence, reason },
  });
  for await (const event of events) {
    const { sequence, previousHash, hash } = event;
    if (sequence <= position.sequence) continue;
    if (sequence !== position.sequence + 1) return brokenAt(position.sequence + 1, 'missing');
    if (previousHash !== position.hash) return brokenAt(sequence, 'not_linked');
    if (hash !== (await hashOfAuditEvent(workspaceId, event))) return brokenAt(sequence, 'modified');
    position = { sequence, hash };
  }
  return { position, broken: null };
}
