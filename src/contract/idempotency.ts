import { Problem } from './problem.ts';

/** A use of an `Idempotency-Key`: the principal, the route and a MAC of the request body. */
export interface IdempotencyClaim {
  readonly workspaceId: string;
  readonly principalId: string;
  readonly route: string;
  readonly key: string;
  readonly bodyMac: string;
}

/** The stored result of an earlier claim of the same key. */
export interface EarlierIdempotencyClaim {
  readonly bodyMac: string;
  readonly resourceId: string;
}

/**
 * Throws if the key was used before: `idempotent_replay` with the id of the resource that the first call created if
 * the body is the same, otherwise `validation_failed`. Does nothing without an earlier claim.
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
