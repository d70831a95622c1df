import type { NoticeKind } from '../contract/event-names.ts';
import { toIsoString } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';
import { CREDENTIAL_RULES } from '../contract/vocabulary.ts';
import type { ScannedCredentialRow } from '../store/notice-causes.ts';

/** The stages of a warning: the numbers of days before an expiry at which notices are created, in ascending order. */
export const EXPIRY_STAGES_DAYS = [1, 7, 30] as const;
/** Number of days after its expiry during which a credential causes a notice. */
export const EXPIRED_DAYS = 30;

/** The kinds of notices that elapsed time or a credential's state causes, rather than an event. */
export const SCANNED_KINDS = [
  'credential.expiring',
  'credential.expired',
  'credential.unused',
  'credential.violates_policy',
  'credential.orphaned',
] as const satisfies readonly NoticeKind[];

/** Why a credential has a notice. */
export interface Cause {
  readonly kind: NoticeKind;
  /** Distinguishes causes of the same kind: a credential gets a new notice when its occurrence changes. */
  readonly occurrence: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/**
 * Returns the cause of a notice about a credential's expiry, if any. A stage that is longer than the credential's
 * lifetime is skipped, because the creator has just chosen the expiry; for the same reason, a lifetime of at most a day
 * causes no notice at all. A credential that has a replacement needs no warning.
 */
function expiryCausesOf(
  { created_at: createdAt, expires_at: expiresAt, replaced }: ScannedCredentialRow,
  now: number,
): Cause[] {
  if (expiresAt === null) return [];
  const occurrence = String(expiresAt);
  const detail = { expiresAt: toIsoString(expiresAt) };
  if (expiresAt <= now) {
    const causesNotice = now < expiresAt + EXPIRED_DAYS * DAY && createdAt < expiresAt - EXPIRY_STAGES_DAYS[0] * DAY;
    return causesNotice ? [{ kind: 'credential.expired', occurrence, detail }] : [];
  }
  const days = EXPIRY_STAGES_DAYS.find((stage) => now >= expiresAt - stage * DAY);
  if (days === undefined || createdAt >= expiresAt - days * DAY || replaced === 1) return [];
  return [{ kind: 'credential.expiring', occurrence: `${days} ${occurrence}`, detail: { days, ...detail } }];
}

/** Returns the causes of the notices that a credential should have at `now`. Pure. */
export function causesOf(row: ScannedCredentialRow, unusedAfterDays: number, now: number): Cause[] {
  if (row.active === 0) return [];
  const causes = expiryCausesOf(row, now);
  if (row.expires_at !== null && row.expires_at <= now) return causes;
  const unusedSince = row.last_used_at ?? row.created_at;
  if (unusedSince <= now - unusedAfterDays * DAY && row.replaced === 0) {
    const detail = { days: unusedAfterDays, lastUsedAt: row.last_used_at === null ? null : toIsoString(unusedSince) };
    causes.push({ kind: 'credential.unused', occurrence: String(unusedSince), detail });
  }
  if (row.policy_violations !== 0) {
    // Bit n is set if the credential violates rule n.
    const rules = CREDENTIAL_RULES.filter((_, position) => (row.policy_violations & (1 << position)) !== 0);
    causes.push({ kind: 'credential.violates_policy', occurrence: rules.join(' '), detail: { rules } });
  }
  if (row.creator_left === 1) {
    causes.push({ kind: 'credential.orphaned', occurrence: row.created_by ?? '', detail: { creator: row.created_by } });
  }
  return causes;
}
