import { verify } from 'otplib';
import { Problem } from '../contract/problem.ts';
import { advanceTotpStep, consumeRecoveryCode, type PersonRow } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import { normalizeCode, type PeopleContext, sha256, totpAssociatedData } from './context.ts';

const RECOVERY_CODE = /^[0-9A-Z]{24}$/;

/** Returns the problem to throw if a second factor is set but the request has no code. */
export function secondFactorRequired(): Problem {
  return new Problem(
    'second_factor_required',
    'Send `code` too: a code from the authenticator app, or a recovery code.',
  );
}

/** A code to consume: the time step of a correct TOTP code, or the digest of a possible recovery code. */
export type SecondFactor = { readonly step: number } | { readonly recovery: Buffer };

/**
 * Checks a TOTP or recovery code. Returns null if it cannot be correct. `consumeSecondFactor` checks whether a TOTP
 * code was used before, and whether a recovery code exists.
 */
export async function checkSecondFactorCode(
  context: PeopleContext,
  person: PersonRow,
  code: string,
): Promise<SecondFactor | null> {
  const digits = code.replace(/\s/g, '');
  if (/^\d{6}$/.test(digits)) {
    if (person.totp_sealed === null) return null;
    const secret = context.seal.open(person.totp_sealed, totpAssociatedData(person));
    const epoch = Math.floor(context.clock() / 1000);
    const result = await verify({ secret, token: digits, epoch, epochTolerance: 30 });
    return result.valid && 'timeStep' in result ? { step: result.timeStep } : null;
  }
  const recoveryCode = normalizeCode(code);
  return RECOVERY_CODE.test(recoveryCode) ? { recovery: sha256(recoveryCode) } : null;
}

/** Consumes a code. Returns false if it was used before or is not one of the person's recovery codes (ASVS 6.5.1). */
export async function consumeSecondFactor(trx: Trx, personId: string, factor: SecondFactor): Promise<boolean> {
  return 'step' in factor
    ? advanceTotpStep(trx, personId, factor.step)
    : consumeRecoveryCode(trx, personId, factor.recovery);
}
