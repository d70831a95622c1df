import type { Passkey, PasskeyRegistration } from '../contract/passkeys.ts';
import type { PasswordResetLink } from '../contract/password-resets.ts';
import type { Account, Person, SignUp } from '../contract/people.ts';
import type { Reauthenticate } from '../contract/reauthentication.ts';
import type { OwnSingleSignOn, StartSingleSignOn } from '../contract/single-sign-on.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface TwoFactor {
  readonly enabled: boolean;
  readonly recoveryCodesLeft: number;
}

/** WebAuthn options for the browser, as JSON. */
export interface PasskeyOptions {
  readonly options: Readonly<Record<string, unknown>>;
}

/** People, the signed-in person, single sign-on and passkeys. */
export function peopleClientsOf(transport: Transport) {
  const { send } = transport;
  return {
    people: {
      signUp: (body: SignUp, call?: CallOptions): Promise<Person> => send('POST', '/v1/people', { ...call, body }),
      /** Lists all people of the installation, for its operators. */
      ...listOf<Account, Paging & { readonly q?: string | undefined }>(transport, '/v1/people'),
      update: (id: string, body: { disabled?: boolean; operator?: boolean }, call?: CallOptions): Promise<Account> =>
        send('PATCH', pathTo('/v1/people', id), { ...call, body }),
      endSessions: (id: string, call?: CallOptions): Promise<void> =>
        send('DELETE', `${pathTo('/v1/people', id)}/sessions`, call),
      /** Creates a link with which a person who lost their password can set a new one. */
      createPasswordReset: (id: string, call?: CallOptions): Promise<PasswordResetLink> =>
        send('POST', `${pathTo('/v1/people', id)}/password-reset`, call),
    },
    me: {
      get: (call?: CallOptions): Promise<Person> => send('GET', '/v1/me', call),
      update: (body: { name?: string }, call?: CallOptions): Promise<Person> =>
        send('PATCH', '/v1/me', { ...call, body }),
      /** Throws `sign_in_failed`, `second_factor_required`, or `conflict` while the person owns a workspace. */
      delete: (body: Reauthenticate, call?: CallOptions): Promise<void> => send('DELETE', '/v1/me', { ...call, body }),
      changePassword: (body: { currentPassword: string; newPassword: string }, call?: CallOptions): Promise<void> =>
        send('POST', '/v1/me/password', { ...call, body }),
      twoFactor: {
        get: (call?: CallOptions): Promise<TwoFactor> => send('GET', '/v1/me/two-factor', call),
        start: (body: Reauthenticate, call?: CallOptions): Promise<{ secret: string; uri: string }> =>
          send('POST', '/v1/me/two-factor', { ...call, body }),
        confirm: (body: { code: string }, call?: CallOptions): Promise<{ recoveryCodes: string[] }> =>
          send('POST', '/v1/me/two-factor/confirm', { ...call, body }),
        renewRecoveryCodes: (body: Reauthenticate, call?: CallOptions): Promise<{ recoveryCodes: string[] }> =>
          send('POST', '/v1/me/two-factor/recovery-codes', { ...call, body }),
        disable: (body: Reauthenticate, call?: CallOptions): Promise<void> =>
          send('DELETE', '/v1/me/two-factor', { ...call, body }),
      },
    },
    singleSignOn: {
      /** Starts a sign-in: returns the URL of the provider, to be opened in the same browser. */
      start: (body: StartSingleSignOn, call?: CallOptions): Promise<{ url: string }> =>
        send('POST', '/v1/oidc/start', { ...call, body }),
      /** Completes a sign-in that waits for a two-factor code. Throws `sign_in_failed`. */
      secondFactor: (body: { code: string }, call?: CallOptions): Promise<unknown> =>
        send('POST', '/v1/oidc/second-factor', { ...call, body }),
      /** Returns the provider accounts with which the person can sign in. */
      get: (call?: CallOptions): Promise<OwnSingleSignOn> => send('GET', '/v1/me/single-sign-on', call),
      /** Starts linking an account at the provider. Throws `sign_in_failed` or `second_factor_required`. */
      link: (body: Reauthenticate, call?: CallOptions): Promise<{ url: string }> =>
        send('POST', '/v1/me/single-sign-on', { ...call, body }),
      unlink: (id: string, body: Reauthenticate, call?: CallOptions): Promise<void> =>
        send('DELETE', pathTo('/v1/me/single-sign-on', id), { ...call, body }),
    },
    passkeys: {
      ...listOf<Passkey, Paging>(transport, '/v1/me/passkeys'),
      /** Starts adding a passkey. Throws `sign_in_failed`, `second_factor_required` or `conflict`. */
      options: (body: Reauthenticate, call?: CallOptions): Promise<PasskeyOptions> =>
        send('POST', '/v1/me/passkeys/options', { ...call, body }),
      create: (body: { name: string; response: PasskeyRegistration }, call?: CallOptions): Promise<Passkey> =>
        send('POST', '/v1/me/passkeys', { ...call, body }),
      update: (id: string, body: { name: string }, call?: CallOptions): Promise<Passkey> =>
        send('PATCH', pathTo('/v1/me/passkeys', id), { ...call, body }),
      /** Returns WebAuthn options for reauthenticating with a passkey. */
      proofOptions: (call?: CallOptions): Promise<PasskeyOptions> => send('POST', '/v1/me/passkeys/proof', call),
      /** Deletes a passkey. Throws `sign_in_failed` or `second_factor_required`. */
      delete: (id: string, body: Reauthenticate, call?: CallOptions): Promise<void> =>
        send('DELETE', pathTo('/v1/me/passkeys', id), { ...call, body }),
    },
  };
}
