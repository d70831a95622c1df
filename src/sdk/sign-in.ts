import type { PasskeyAssertion } from '../contract/passkeys.ts';
import type { Person } from '../contract/people.ts';
import type { Session, SignIn } from '../contract/sessions.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { PasskeyOptions } from './people.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface DeviceCode {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

export interface DeviceRequest {
  readonly userCode: string;
  readonly client: string;
  readonly address: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
}

/** Sessions, password resets, and sign-in on devices without a browser (RFC 8628). */
export function signInClientsOf(transport: Transport) {
  const { send } = transport;
  return {
    passwordResets: {
      /** Requests a reset link by email. The response does not reveal whether the person exists. */
      request: (body: { email: string }, call?: CallOptions): Promise<void> =>
        send('POST', '/v1/password-resets', { ...call, body }),
      /** Sets a new password with the code in a reset link. Throws `not_found`. */
      use: (code: string, body: { password: string }, call?: CallOptions): Promise<void> =>
        send('POST', pathTo('/v1/password-resets', code), { ...call, body }),
    },
    sessions: {
      ...listOf<Session, Paging>(transport, '/v1/sessions'),
      /** Signs in. Throws `sign_in_failed` or `second_factor_required`. */
      create: (body: SignIn, call?: CallOptions): Promise<{ id: string; expiresAt: string; person: Person }> =>
        send('POST', '/v1/sessions', { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo('/v1/sessions', id), call),
      /** Ends all sessions except the current one. */
      deleteOthers: (call?: CallOptions): Promise<void> => send('DELETE', '/v1/sessions', call),
      /** Starts a sign-in with a passkey. */
      passkeyOptions: (call?: CallOptions): Promise<PasskeyOptions> =>
        send('POST', '/v1/sessions/passkey/options', call),
      /** Signs in with the browser's assertion. Throws `sign_in_failed`. */
      createWithPasskey: (
        body: { response: PasskeyAssertion },
        call?: CallOptions,
      ): Promise<{ id: string; expiresAt: string; person: Person }> =>
        send('POST', '/v1/sessions/passkey', { ...call, body }),
      /**
       * Signs in with a one-time link that an operator created. Throws `not_found`, `second_factor_required` or
       * `sign_in_failed`.
       */
      createWithLink: (
        body: { link: string; code?: string },
        call?: CallOptions,
      ): Promise<{ id: string; expiresAt: string; person: Person }> =>
        send('POST', '/v1/sessions/link', { ...call, body }),
      /** Signs out. */
      deleteCurrent: (call?: CallOptions): Promise<void> => send('DELETE', '/v1/sessions/current', call),
    },
    device: {
      start: (body: { client_id?: string } = {}, call?: CallOptions): Promise<DeviceCode> =>
        send('POST', '/v1/device/code', { ...call, body }),
      /**
       * Returns the secret of the new session once the request is approved. Otherwise throws a `DevpilotError` whose
       * `error` is `authorization_pending`, `slow_down`, `access_denied`, `expired_token` or `invalid_grant` (RFC 8628,
       * 3.5).
       */
      poll: (deviceCode: string, call?: CallOptions): Promise<{ access_token: string; expires_in: number }> =>
        send('POST', '/v1/device/token', {
          ...call,
          body: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode },
        }),
      find: (userCode: string, call?: CallOptions): Promise<DeviceRequest> =>
        send('GET', pathTo('/v1/device/requests', userCode), call),
      approve: (userCode: string, call?: CallOptions): Promise<void> =>
        send('POST', '/v1/device/approve', { ...call, body: { userCode } }),
      deny: (userCode: string, call?: CallOptions): Promise<void> =>
        send('POST', '/v1/device/deny', { ...call, body: { userCode } }),
    },
  };
}
