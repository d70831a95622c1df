import type { AuditDraft, CredentialParty, Origin, Party } from '../contract/audit.ts';
import { type AuditAction, MINUTE } from '../contract/words.ts';

/** A refusal to be recorded. */
export interface Denial {
  readonly workspaceId: string;
  readonly action: AuditAction;
  readonly actor: Party;
  readonly credential: CredentialParty | null;
  /** The contract's code, and what was asked for where that helps. */
  readonly reason: string;
  readonly origin: Origin;
  readonly at: number;
}

interface Fold {
  readonly first: Denial;
  readonly minute: number;
  last: Denial;
  /** Not written yet. */
  count: number;
  written: boolean;
}

/** Folds in memory, over all workspaces and of one, so that one that floods leaves room for the others. */
const FOLDS_KEPT = 10_000;
const FOLDS_PER_WORKSPACE = 1_000;

export interface Denials {
  /** Notes a refusal in memory; never waits. */
  note(denial: Denial): void;
  /** What is due to be written at `now`, or with `everything` all that is left. Taken when returned. */
  take(now: number, everything?: boolean): AuditDraft[];
}

/**
 * Folds refusals per actor, reason and minute, so that an attacker can't fill the disk: the first
 * is written at once, what follows in the same minute as one more entry with a count when it is over.
 */
export function createDenials(): Denials {
  const folds = new Map<string, Fold>();
  const foldsOf = new Map<string, number>();

  function draftOf(fold: Fold, now: number): AuditDraft {
    const { last, count } = fold;
    fold.count = 0;
    fold.written = true;
    return {
      workspaceId: last.workspaceId,
      action: last.action,
      // Dated when it is written, so that the log stays in order of time; never before it happened.
      at: Math.max(now, last.at),
      actor: last.actor,
      target: null,
      credential: last.credential,
      origin: last.origin,
      detail: { reason: last.reason, count, ...(count > 1 && { lastAt: new Date(last.at).toISOString() }) },
    };
  }

  return {
    note(denial) {
      const minute = Math.floor(denial.at / MINUTE);
      const key = `${denial.workspaceId} ${denial.actor.id} ${denial.action} ${denial.reason} ${minute}`;
      const fold = folds.get(key);
      if (fold !== undefined) {
        fold.count++;
        fold.last = denial;
      } else {
        const own = foldsOf.get(denial.workspaceId) ?? 0;
        if (folds.size >= FOLDS_KEPT || own >= FOLDS_PER_WORKSPACE) return;
        foldsOf.set(denial.workspaceId, own + 1);
        folds.set(key, { first: denial, minute, last: denial, count: 1, written: false });
      }
    },
    take(now, everything = false) {
      const due: AuditDraft[] = [];
      const current = Math.floor(now / MINUTE);
      for (const [key, fold] of folds) {
        const over = fold.minute < current;
        if (fold.count > 0 && (everything || over || !fold.written)) due.push(draftOf(fold, now));
        if (!over) continue;
        folds.delete(key);
        const left = (foldsOf.get(fold.first.workspaceId) ?? 1) - 1;
        if (left === 0) foldsOf.delete(fold.first.workspaceId);
        else foldsOf.set(fold.first.workspaceId, left);
      }
      return due;
    },
  };
}
