import { Problem } from './problem.ts';

/** One use of an `Idempotency-Key`: whose, for which route, and a MAC of the body it came with. */
export interface IdempotencyClaim {
  readonly workspaceId: string;
  readonly principalId: string;
  readonly route: string;
  readonly key: string;
  readonly bodyMac: string;
}

/** What an earlier claim of the same key left behind. */
export interface EarlierIdempotencyClaim {
  readonly bodyMac: string;
  readonly resourceId: string;
}

/**
 * Throws for a key that was used before: `idempotent_replay` with the id of what the first call made
 * if the body is the same, `validation_failed` if it is another. Does nothing without an earlier claim.
 */
export function refuseReplay(claim: IdempotencyClaim, earlier: EarlierIdempotencyClaim | null): void {
  if (earlier === null) return;
  if (earlier.bodyMac === claim.bodyMac) {
    throw new Problem('idempotent_replay', 'This Idempotency-Key was already used for the same request.', {
      id: earlier.resourceId,
    });
  }
  const message = 'was already used for another request; use a new key for each request';
  throw new Problem('validation_failed', `Idempotency-Key ${message}.`, {
    errors: [{ field: 'Idempotency-Key', message }],
  });
}
