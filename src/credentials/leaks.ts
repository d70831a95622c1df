import { createHash } from 'node:crypto';
import { SYSTEM_ACTOR } from '../audit/log.ts';
import { raiseNotice } from '../audit/notices.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import type { LeakReport } from '../contract/leaks.ts';
import { DAY, LEAK_LIMITS } from '../contract/limits.ts';
import { redactLogText } from '../contract/redact.ts';
import { lockCredential } from '../store/credentials.ts';
import { tryConsumeQuota } from '../store/quotas.ts';
import type { CredentialContext } from './credentials.ts';
import { deleteInTransaction, waitForEach } from './deletion.ts';
import { lockCurrentPolicy } from './policy.ts';

/** Returns text of a report in the form in which it is stored: without secrets, and truncated to `max` characters. */
function toStoredText(text: string | null | undefined, token: string, max: number): string | null {
  if (text === null || text === undefined || text === '') return null;
  const redacted = redactLogText(text.replaceAll(token, '[secret]'));
  return redacted.slice(0, max).toWellFormed();
}

/**
 * Responds to the leak of a credential's secret as the policy of its workspace requires: deletes the credential and
 * raises a notice, or only raises a notice. Notices are raised once per location and day, within the quota
 * `leakReports`. When this resolves, no node accepts a deleted credential. Throws `unavailable` if it was deleted but
 * not every node has confirmed that in time.
 */
export async function respondToLeak(
  context: CredentialContext,
  record: CredentialRecord,
  report: LeakReport,
  origin: RequestOrigin,
): Promise<void> {
  const { id, kind, name } = record;
  const workspaceId = record.workspace.id;
  const now = context.clock();
  const location = {
    url: toStoredText(report.url, report.token, LEAK_LIMITS.url),
    source: toStoredText(report.source, report.token, LEAK_LIMITS.field),
    type: toStoredText(report.type, report.token, LEAK_LIMITS.field),
  };
  const revocations = await context.store.transaction(async (trx) => {
    const { onLeak } = await lockCurrentPolicy(trx, workspaceId);
    if ((await lockCredential(trx, workspaceId, kind, id)) === undefined) return null;
    const request = { workspaceId, actor: SYSTEM_ACTOR, origin };
    const detail = { reason: 'its secret was reported as leaked' };
    const deleted = onLeak === 'delete' ? await deleteInTransaction(trx, request, kind, id, now, detail) : [];
    if (await tryConsumeQuota(trx, 'leakReports', `${workspaceId} ${id}`, now)) {
      const occurrence = createHash('sha256').update(JSON.stringify([Math.floor(now / DAY), location]));
      await raiseNotice(trx, {
        workspaceId,
        kind: 'credential.leaked',
        subject: { id, kind, name },
        occurrence: occurrence.digest('base64url'),
        detail: { ...location, deleted: onLeak === 'delete' },
        at: now,
        address: origin.address,
      });
    }
    return deleted;
  });
  // Another request may have just deleted the credential.
  if (revocations === null) await context.waitForAllConfirmations(workspaceId);
  else await waitForEach(context, revocations);
}
