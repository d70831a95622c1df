import { DURATIONS } from '../contract/limits.ts';
import type { PasskeyAssertion, PasskeyRegistration } from '../contract/passkeys.ts';
import type { PasskeyRow } from '../store/passkeys.ts';
import { sha256 } from './context.ts';

/** The origin of the web UI, and its host name (`rpId`), to which passkeys are bound. */
export interface RelyingParty {
  readonly origin: string;
  readonly rpId: string;
}

/** EdDSA, ES256 and RS256 (RFC 9053, RFC 8812). Algorithms that are experimental in Node.js are omitted. */
export const SUPPORTED_ALGORITHM_IDS = [-8, -7, -257];

/**
 * Loads the library at first use. Loading takes 30 MB and can hold the event loop for 50 ms, so a server with passkeys
 * loads the library when it starts. Otherwise the first registration does; requests without a passkey never do.
 */
export function loadWebauthn(): Promise<typeof import('@simplewebauthn/server')> {
  return import('@simplewebauthn/server');
}

/** Purpose of a challenge. A response to a challenge for another purpose is refused. */
export type ChallengePurpose = 'sign-in' | 'reauthentication' | 'registration';

/**
 * Each purpose as it is hashed into stored digests. Must not change, because nodes of two versions share challenges.
 */
const STORED_PURPOSES: Readonly<Record<ChallengePurpose, string>> = {
  'sign-in': 'sign-in',
  reauthentication: 'proof',
  registration: 'registration',
};

/** Returns the digest that is stored for a challenge. `challenge` is in base64url, as in the browser's response. */
export function challengeDigest(purpose: ChallengePurpose, challenge: string): Buffer {
  return sha256(`passkey challenge ${STORED_PURPOSES[purpose]} ${challenge}`);
}

/** Returns the challenge in a browser's response, or an empty string if it cannot be read. */
function readChallenge(clientDataJSON: string): string {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'));
    if (typeof data !== 'object' || data === null || !('challenge' in data)) return '';
    return typeof data.challenge === 'string' ? data.challenge : '';
  } catch {
    return '';
  }
}

export function transportsOf(row: Pick<PasskeyRow, 'transports'>): string[] {
  const transports: unknown = JSON.parse(row.transports);
  return Array.isArray(transports) ? transports.filter((transport) => typeof transport === 'string') : [];
}

export interface RegisteredPasskey {
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly backedUp: boolean;
}

/**
 * Verifies a registration response (WebAuthn level 3, section 7.1) except for the challenge, which the caller must
 * consume. `passkey` is null if the response is invalid. Never throws.
 */
export async function verifyPasskeyRegistration(
  response: PasskeyRegistration,
  relyingParty: RelyingParty,
): Promise<{ readonly challenge: string; readonly passkey: RegisteredPasskey | null }> {
  const { verifyRegistrationResponse } = await loadWebauthn();
  const challenge = readChallenge(response.response.clientDataJSON);
  const { clientDataJSON, attestationObject, transports = [] } = response.response;
  try {
    const result = await verifyRegistrationResponse({
      response: {
        id: response.id,
        rawId: response.rawId,
        type: response.type,
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject, transports },
      },
      expectedChallenge: challenge,
      expectedOrigin: relyingParty.origin,
      expectedRPID: relyingParty.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: SUPPORTED_ALGORITHM_IDS,
    });
    if (!result.verified) return { challenge, passkey: null };
    const { credential, credentialBackedUp } = result.registrationInfo;
    const { id, publicKey, counter } = credential;
    return { challenge, passkey: { id, publicKey, counter, transports, backedUp: credentialBackedUp } };
  } catch {
    return { challenge, passkey: null };
  }
}

/**
 * Returns the options with which a browser asks for a passkey (WebAuthn level 3, section 5.5). Without `passkeys`, any
 * passkey for this host can be used. Does not load the library, because anyone can request these options.
 */
export function assertionOptions(
  { rpId }: RelyingParty,
  challenge: Uint8Array,
  passkeys?: readonly Pick<PasskeyRow, 'credential_id' | 'transports'>[],
): object {
  return {
    rpId,
    challenge: Buffer.from(challenge).toString('base64url'),
    ...(passkeys !== undefined && {
      allowCredentials: passkeys.map((row) => ({
        id: row.credential_id,
        type: 'public-key',
        transports: transportsOf(row),
      })),
    }),
    timeout: DURATIONS.passkeyChallenge,
    userVerification: 'required',
  };
}

/**
 * Verifies a sign-in response (WebAuthn level 3, section 7.2) except for the challenge, which the caller must consume,
 * and the counter, which the caller must advance. `use` is null if the response is invalid or there is no `passkey`.
 * Never throws.
 */
export async function verifyPasskeyAssertion(
  response: PasskeyAssertion,
  passkey: PasskeyRow | undefined,
  relyingParty: RelyingParty,
): Promise<{ readonly challenge: string; readonly use: { counter: number; backedUp: boolean } | null }> {
  const challenge = readChallenge(response.response.clientDataJSON);
  if (passkey === undefined) return { challenge, use: null };
  const { verifyAuthenticationResponse } = await loadWebauthn();
  const { clientDataJSON, authenticatorData, signature, userHandle } = response.response;
  const expectedHandle = Buffer.from(passkey.person_id).toString('base64url');
  if (userHandle !== undefined && userHandle !== null && userHandle !== expectedHandle) return { challenge, use: null };
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id: response.id,
        rawId: response.rawId,
        type: response.type,
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: challenge,
      expectedOrigin: relyingParty.origin,
      expectedRPID: relyingParty.rpId,
      requireUserVerification: true,
      // Any counter is accepted here, because the store checks it in the transaction that advances it.
      credential: { id: passkey.credential_id, publicKey: new Uint8Array(passkey.public_key), counter: 0 },
    });
    if (!verified) return { challenge, use: null };
    return {
      challenge,
      use: { counter: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp },
    };
  } catch {
    return { challenge, use: null };
  }
}
