import type { JWTVerifyGetKey } from 'jose';
import { MINUTE, SECOND } from '../contract/limits.ts';
import { MAX_CLAIM_LENGTH, textClaim } from './oidc-claims.ts';

/**
 * A verified logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4). It names a subject, a session at the
 * provider, or both.
 */
export interface LogoutToken {
  readonly issuer: string;
  readonly subject: string | null;
  readonly providerSession: string | null;
  readonly jti: string;
  /** Time after which the token is certainly refused, in epoch milliseconds. Its `jti` must be stored until then. */
  readonly acceptedUntil: number;
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const CLOCK_TOLERANCE_SECONDS = 60;
const MAX_AGE_SECONDS = 300;
const MAX_JTI_LENGTH = 512;

/** Verifies logout tokens of one client. Keys come from the provider's key set only, never from the token. */
export function createLogoutVerifier(clientId: string, oidcFetch: (url: string, options: object) => Promise<Response>) {
  let cached: { readonly jwksUri: string; readonly keySet: JWTVerifyGetKey } | null = null;

  async function keySetOf(jwksUri: string): Promise<JWTVerifyGetKey> {
    const { createRemoteJWKSet, customFetch } = await import('jose');
    if (cached?.jwksUri === jwksUri) return cached.keySet;
    const keySet = createRemoteJWKSet(new URL(jwksUri), {
      [customFetch]: oidcFetch,
      // An unknown `kid` causes the key set to be fetched again, at most once per minute.
      cooldownDuration: MINUTE,
    });
    cached = { jwksUri, keySet };
    return keySet;
  }

  return {
    /** Throws an `Error` for an invalid token, and the errors of `oidcFetch`. */
    async verify(token: string, issuer: string, jwksUri: string): Promise<LogoutToken> {
      const { jwtVerify } = await import('jose');
      const { payload, protectedHeader } = await jwtVerify(token, await keySetOf(jwksUri), {
        issuer,
        audience: clientId,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        maxTokenAge: MAX_AGE_SECONDS,
        requiredClaims: ['iat', 'jti', 'events'],
      });
      const { typ } = protectedHeader;
      if (typ !== undefined && !/^(?:application\/)?(?:logout\+jwt|jwt)$/i.test(typ)) throw new Error('wrong typ');
      const { events, nonce } = payload;
      const hasEvent = typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT);
      // Otherwise it could be an ID token, which has a nonce and no such event.
      if (!hasEvent || nonce !== undefined) throw new Error('not a logout token');
      const subject = textClaim(payload.sub, MAX_CLAIM_LENGTH.sub);
      const providerSession = textClaim(payload['sid'], MAX_CLAIM_LENGTH.sid);
      const jti = textClaim(payload.jti, MAX_JTI_LENGTH);
      if (jti === null) throw new Error('no jti');
      if (subject === null && providerSession === null) throw new Error('no subject or session');
      const acceptedUntil = Date.now() + (MAX_AGE_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * SECOND;
      return { issuer, subject, providerSession, jti, acceptedUntil };
    },
  };
}
