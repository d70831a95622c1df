import type { RefusalReason } from '../contract/error-codes.ts';
import type { CredentialRecord } from './record.ts';
import { allowsAddress } from './restrictions.ts';
import { meets, type Requirement } from './rights.ts';

/** Result of the passphrase check; `limited`: too many failures, so the passphrase was not checked. */
export type PassphraseResult = 'not_needed' | 'correct' | 'missing' | 'incorrect' | 'limited';

/** `ok`, or the reason for the refusal. */
export type Decision = 'ok' | RefusalReason;

/**
 * Returns the decision on a request. `record` is null if the secret is unknown, `now` is in epoch milliseconds,
 * `address` is the client's, and `isSpent` means that no use is left. Pure. The checks run in this order: passphrase,
 * active, expiry, uses left, address, kind, rights. Therefore only callers that know the secret and its passphrase
 * learn the state of the credential.
 */
export function decide(
  record: CredentialRecord | null,
  passphrase: PassphraseResult,
  requirement: Requirement,
  now: number,
  address: string,
  isSpent = false,
): Decision {
  if (record === null) return 'invalid_token';
  if (passphrase === 'limited') return 'rate_limited';
  if (passphrase === 'missing') return 'passphrase_required';
  if (passphrase === 'incorrect') return 'passphrase_incorrect';
  if (!record.active) return 'token_inactive';
  if (record.expiresAt !== null && record.expiresAt <= now) return 'token_expired';
  if (isSpent) return 'credential_spent';
  if (record.restrictions !== null && !allowsAddress(record.restrictions, address)) return 'address_not_allowed';
  const needed = requirement[record.kind];
  if (needed === null) return 'wrong_credential_kind';
  return meets(record.rights, needed) ? 'ok' : 'insufficient_scope';
}
