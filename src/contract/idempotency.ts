import { invalidField, Problem } from './problem.ts';

/** One use of an `Idempotency-Key`: the workspace, the principal, the route, the key and a MAC of the request body. */
export interface IdempotencyClaim {
  readonly workspaceId: string;
  readonly principalId: string;
  readonly route: string;
  readonly key: string;
  readonly bodyMac: string;
}

/** The stored result of an earlier claim with the same key. */
export interface EarlierIdempotencyClaim {
  readonly bodyMac: string;
  readonly resourceId: string;
}

/**
 * Throws if the key was used before. If the body is the same, throws `idempotent_replay` with the ID of the resource
 * that the first request created, otherwise `validation_failed`. Does nothing if there is no earlier claim.
 */
export function refuseReplay(claim: IdempotencyClaim, earlier: EarlierIdempotencyClaim | null): void {
  if (earlier === null) return;
  if (earlier.bodyMac === claim.bodyMac) {
    throw new Problem('idempotent_replay', 'This Idempotency-Key was already used for the same request.', {
      id: earlier.resourceId,
    });
  }
  throw invalidField('Idempotency-Key', 'was already used for another request; use a new key for each request');
}
