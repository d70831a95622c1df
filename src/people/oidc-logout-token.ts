import type { JWTVerifyGetKey } from 'jose';
import { MINUTE, SECOND } from '../contract/limits.ts';

/**
 * A verified logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4). It names a subject, a session at the
 * provider, or both.
 */
export interface LogoutToken {
  readonly issuer: string;
  readonly subject: string | null;
  readonly providerSession: string | null;
  readonly jti: string;
  /** When the token stops being valid, in epoch milliseconds. Its `jti` must be stored until then. */
  readonly acceptedUntil: number;
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const CLOCK_TOLERANCE_SECONDS = 60;
const MAX_AGE_SECONDS = 300;

const textOf = (value: unknown, maxLength: number): string | null =>
  typeof value === 'string' && value !== '' && value.length <= maxLength ? value : null;

/** Verifies logout tokens of one client. Keys come from the provider's key set only, never from the token. */
export function createLogoutVerifier(clientId: string, oidcFetch: (url: string, options: object) => Promise<Response>) {
  const keySets = new Map<string, JWTVerifyGetKey>();

  async function keySetOf(jwksUri: string): Promise<JWTVerifyGetKey> {
    const { createRemoteJWKSet, customFetch } = await import('jose');
    const cached = keySets.get(jwksUri);
    if (cached !== undefined) return cached;
    const keySet = createRemoteJWKSet(new URL(jwksUri), {
      [customFetch]: oidcFetch,
      // An unknown `kid` causes the key set to be fetched again, at most once per minute.
      cooldownDuration: MINUTE,
    });
    keySets.clear();
    keySets.set(jwksUri, keySet);
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
      const subject = textOf(payload.sub, 255);
      const providerSession = textOf(payload['sid'], 512);
      const jti = textOf(payload.jti, 512);
      if (jti === null) throw new Error('no jti');
      if (subject === null && providerSession === null) throw new Error('no subject or session');
      const acceptedUntil = Date.now() + (MAX_AGE_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS) * SECOND;
      return { issuer, subject, providerSession, jti, acceptedUntil };
    },
  };
}
