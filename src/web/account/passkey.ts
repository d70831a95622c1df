import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser';
import { queryOptions } from '@tanstack/react-query';
import type { PasskeyAssertion } from '../../contract/passkeys.ts';
import type { Reauthenticate } from '../../contract/reauthentication.ts';
import { api } from '../api.ts';
import { strings } from './strings.ts';

export const passkeysQuery = queryOptions({
  queryKey: ['passkeys'],
  queryFn: async ({ signal }) => (await api.passkeys.list({ limit: 200 }, { signal })).data,
});

/** Returns the reason why passkeys cannot be used in this browser and at this address, or null if they can. */
export function passkeyUnavailableReason(location: Location = window.location): string | null {
  if (window.PublicKeyCredential === undefined) {
    return window.isSecureContext ? strings.passkey.unsupported : strings.passkey.needsHttps;
  }
  // Passkeys are bound to a host name; browsers reject IP addresses.
  if (/^[\d.]+$|^\[/.test(location.hostname)) {
    const localUrl = /^127\.|^\[::1\]$/.test(location.hostname)
      ? `${location.protocol}//localhost:${location.port}`
      : null;
    return strings.passkey.needsHostName(localUrl);
  }
  return null;
}

/** Converts an error of the WebAuthn ceremony to one with a message for the user. */
function toPasskeyError(error: unknown): Error {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError' || name === 'AbortError') return new Error(strings.passkey.cancelled);
  if (name === 'InvalidStateError') return new Error(strings.passkey.alreadyAdded);
  return new Error(strings.passkey.failed);
}

/** Sent instead of the results of WebAuthn extensions, which the server ignores. */
const NO_EXTENSION_RESULTS = { clientExtensionResults: {} };

/** Creates a passkey with the browser and adds it to the account. */
export async function registerPasskey(name: string, proof: Reauthenticate): Promise<void> {
  const { options } = await api.passkeys.options(proof);
  const { startRegistration } = await import('@simplewebauthn/browser');
  const optionsJSON = options as unknown as PublicKeyCredentialCreationOptionsJSON;
  const response = await startRegistration({ optionsJSON }).catch((error: unknown) => {
    throw toPasskeyError(error);
  });
  await api.passkeys.create({ name, response: { ...response, ...NO_EXTENSION_RESULTS } });
}

async function requestPasskeyAssertion(options: Record<string, unknown>): Promise<PasskeyAssertion> {
  const { startAuthentication } = await import('@simplewebauthn/browser');
  const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON;
  const response = await startAuthentication({ optionsJSON }).catch((error: unknown) => {
    throw toPasskeyError(error);
  });
  return { ...response, ...NO_EXTENSION_RESULTS };
}

export async function signInWithPasskey(): Promise<void> {
  const { options } = await api.sessions.passkeyOptions();
  await api.sessions.createWithPasskey({ response: await requestPasskeyAssertion(options) });
}

/** Returns an assertion of one of the person's passkeys as proof for a sensitive operation. */
export async function requestPasskeyProof(): Promise<Reauthenticate> {
  const { options } = await api.passkeys.proofOptions();
  return { passkey: await requestPasskeyAssertion(options) };
}
