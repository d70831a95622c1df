import { type CompactVerifyGetKey, compactVerify, decodeProtectedHeader, errors } from 'jose';
import type { Claims } from '../contract/claim-patterns.ts';
import type { IssuerKeys, KeySource } from './issuer-keys.ts';

/** The accepted signature algorithms. Symmetric algorithms and `none` are not accepted. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** The claims of a token whose signature is valid, or the reason why the token was refused. */
export type Verification =
  | { readonly claims: Claims }
  | { readonly claims: null; readonly reason: TokenRefusal; readonly detail: string };
export type TokenRefusal = 'malformed' | 'issuer' | 'algorithm' | 'key' | 'signature';

const refused = (reason: TokenRefusal, detail: string): Verification => ({ claims: null, reason, detail });

/** Parses the decoded payload of a JWT. Returns null if it is not a JSON object. Pure. */
function payloadOf(text: string): Claims | null {
  try {
    const payload: unknown = JSON.parse(text);
    return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? (payload as Claims) : null;
  } catch {
    return null;
  }
}

/**
 * Returns the refusal of a token with a wrong header or issuer, for which no key is looked up; null otherwise. Pure.
 */
function refusalWithoutKey(token: string, issuer: string): Verification | null {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    return refused('malformed', 'The token is not a signed JWT.');
  }
  const { alg, typ } = header;
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg))
    return refused('algorithm', `The algorithm must be one of ${ALGORITHMS.join(', ')}.`);
  // Explicit types keep tokens for other purposes from being used here (RFC 8725, section 3.11).
  if (typ !== undefined && !/^(?:application\/)?jwt$/i.test(String(typ)))
    return refused('malformed', 'The type in the header must be JWT.');
  const unverified = payloadOf(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  if (unverified === null) return refused('malformed', 'The payload is not a JSON object.');
  return unverified['iss'] === issuer ? null : refused('issuer', `The issuer must be exactly ${issuer}.`);
}

/**
 * Verifies the signature of a token with the keys that its issuer publishes. Keys and URLs in the header of the token
 * are ignored. Of the claims, only `iss` is checked. Throws `unavailable` if the keys cannot be read.
 */
export async function verifySubjectToken(keys: IssuerKeys, source: KeySource, token: string): Promise<Verification> {
  const refusal = refusalWithoutKey(token, source.issuer);
  if (refusal !== null) return refusal;
  const verifyWith = async (find: (source: KeySource) => Promise<CompactVerifyGetKey>): Promise<Verification> => {
    const { payload } = await compactVerify(token, await find(source), { algorithms: ALGORITHMS });
    const claims = payloadOf(new TextDecoder().decode(payload));
    return claims === null ? refused('malformed', 'The payload is not a JSON object.') : { claims };
  };
  try {
    return await verifyWith(keys.find).catch((error: unknown) => {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return verifyWith(keys.findAgain);
    });
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey)
      return refused('key', 'The issuer publishes no key that matches the header of the token.');
    if (error instanceof errors.JWKSMultipleMatchingKeys)
      return refused('key', 'Several keys of the issuer match the header of the token.');
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return refused('signature', 'The signature is not valid.');
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException)
      return refused('signature', 'The signature cannot be verified with the key of the issuer.');
    throw error;
  }
}
