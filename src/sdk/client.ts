import type { AccessToken, CreateAccessToken, CreatedAccessToken } from '../contract/access-tokens.ts';
import type { ApiKey, CreateApiKey, CreatedApiKey, UpdateApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import type { CreatedInvitation, Invitation } from '../contract/invitations.ts';
import type { Member } from '../contract/members.ts';
import type { Introspection } from '../contract/oauth.ts';
import type { CountedPage } from '../contract/paging.ts';
import type { Passkey, PasskeyAssertion, PasskeyRegistration } from '../contract/passkeys.ts';
import type { PasswordResetLink } from '../contract/password-resets.ts';
import type { Account, Person, SignUp } from '../contract/people.ts';
import type { Reauthenticate } from '../contract/reauthentication.ts';
import type { Session, SignIn } from '../contract/sessions.ts';
import type {
  AccessTokenStatus,
  ApiKeyStatus,
  AssignableRole,
  AuditAction,
  CredentialSort,
  Permission,
  Scope,
} from '../contract/vocabulary.ts';
import type { Whoami } from '../contract/whoami.ts';
import type { Workspace } from '../contract/workspaces.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import { resourceClientsOf } from './resources.ts';
import { trackerClientsOf } from './trackers.ts';
import {
  type CallOptions,
  type ClientOptions,
  createTransport,
  type Method,
  type Request,
  type Tagged,
  type Transport,
} from './transport.ts';
import { workClientsOf } from './work.ts';

export { DevpilotError } from './errors.ts';
export type { Paging } from './list-pages.ts';
export type { LogOptions } from './log-stream.ts';
export type { AppListQuery, ResourceListQuery } from './resources.ts';
export type {
  ActivityListQuery,
  AnalyticsOptions,
  CloudEventInput,
  IssueListQuery,
} from './trackers.ts';
export type { CallOptions, ClientOptions, Tagged } from './transport.ts';
export type { DeploymentListQuery, ScriptListQuery, WorkListQuery } from './work.ts';

interface CredentialQuery extends Paging {
  /** A substring of the name, case-insensitive. */
  readonly q?: string | undefined;
  /** Id of the creator. */
  readonly createdBy?: string | undefined;
  readonly unusedForDays?: number | undefined;
  /** Excludes credentials that have expired or never expire. */
  readonly expiresWithinDays?: number | undefined;
  readonly neverExpires?: boolean | undefined;
  readonly sort?: CredentialSort | `-${CredentialSort}` | undefined;
}
export interface AccessTokenListQuery extends CredentialQuery {
  readonly status?: AccessTokenStatus | undefined;
  readonly scope?: Scope | undefined;
}
export interface ApiKeyListQuery extends CredentialQuery {
  readonly status?: ApiKeyStatus | undefined;
  readonly permission?: Permission | undefined;
}
export interface AuditListQuery extends Paging {
  readonly action?: AuditAction | undefined;
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  readonly credential?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface TwoFactor {
  readonly enabled: boolean;
  readonly recoveryCodesLeft: number;
}
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

/** WebAuthn options for the browser, as JSON. */
export interface PasskeyOptions {
  readonly options: Readonly<Record<string, unknown>>;
}

export type Client = ReturnType<typeof accountClientOf> &
  ReturnType<typeof resourceClientsOf> &
  ReturnType<typeof trackerClientsOf> &
  ReturnType<typeof workClientsOf>;

/**
 * The part of the API that is not about a workspace's resources: people, credentials, the activity log, authorization.
 */
function accountClientOf(transport: Transport) {
  const { send } = transport;
  const credentials = <Item, Created, Create, Query extends Paging>(path: string) => ({
    ...listOf<Item, Query, CountedPage<Item>>(transport, path),
    get: (id: string, call?: CallOptions): Promise<Item> => send('GET', pathTo(path, id), call),
    /** Creates a credential. Only this response contains the secret. */
    create: (body: Create, call?: CallOptions): Promise<Created> => send('POST', path, { ...call, body }),
    /** Deletes a credential. When this resolves, no node accepts it any more. */
    delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(path, id), call),
    /** Returns the uses per day for the last 30 days, and the addresses from which it was recently used. */
    uses: (id: string, call?: CallOptions): Promise<CredentialUses> => send('GET', `${pathTo(path, id)}/uses`, call),
  });

  return {
    /** Sends any request, for operations without a method here. */
    request: <Body>(method: Method, path: string, request?: Request): Promise<Body> => send(method, path, request),
    stream: transport.stream,

    whoami: (call?: CallOptions): Promise<Whoami> => send('GET', '/v1/whoami', call),
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
    passwordResets: {
      /** Requests a reset link by email. The response does not reveal whether the person exists. */
      request: (body: { email: string }, call?: CallOptions): Promise<void> =>
        send('POST', '/v1/password-resets', { ...call, body }),
      /** Sets a new password with the code of a link. Throws `not_found`. */
      use: (code: string, body: { password: string }, call?: CallOptions): Promise<void> =>
        send('POST', pathTo('/v1/password-resets', code), { ...call, body }),
    },
    sessions: {
      ...listOf<Session, Paging>(transport, '/v1/sessions'),
      /** Signs in. Throws `sign_in_failed`, `second_factor_required`. */
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
      /** Signs out. */
      deleteCurrent: (call?: CallOptions): Promise<void> => send('DELETE', '/v1/sessions/current', call),
    },
    me: {
      get: (call?: CallOptions): Promise<Person> => send('GET', '/v1/me', call),
      update: (body: { name?: string }, call?: CallOptions): Promise<Person> =>
        send('PATCH', '/v1/me', { ...call, body }),
      /** Deletes the account. Throws `sign_in_failed`, `conflict` while it owns a workspace. */
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
    passkeys: {
      ...listOf<Passkey, Paging>(transport, '/v1/me/passkeys'),
      /** Starts adding a passkey. Throws `sign_in_failed` for a wrong password. */
      options: (body: Reauthenticate, call?: CallOptions): Promise<PasskeyOptions> =>
        send('POST', '/v1/me/passkeys/options', { ...call, body }),
      create: (body: { name: string; response: PasskeyRegistration }, call?: CallOptions): Promise<Passkey> =>
        send('POST', '/v1/me/passkeys', { ...call, body }),
      update: (id: string, body: { name: string }, call?: CallOptions): Promise<Passkey> =>
        send('PATCH', pathTo('/v1/me/passkeys', id), { ...call, body }),
      /** Returns the options with which the browser reauthenticates with a passkey. */
      proofOptions: (call?: CallOptions): Promise<PasskeyOptions> => send('POST', '/v1/me/passkeys/proof', call),
      /** Deletes a passkey. Throws `sign_in_failed`, `second_factor_required`. */
      delete: (id: string, body: Reauthenticate, call?: CallOptions): Promise<void> =>
        send('DELETE', pathTo('/v1/me/passkeys', id), { ...call, body }),
    },
    workspaces: {
      ...listOf<Workspace, Paging>(transport, '/v1/workspaces'),
      create: (body: { name: string; slug?: string }, call?: CallOptions): Promise<Workspace> =>
        send('POST', '/v1/workspaces', { ...call, body }),
      update: (workspace: string, body: { name?: string; slug?: string }, call?: CallOptions): Promise<Workspace> =>
        send('PATCH', pathTo('/v1/workspaces', workspace), { ...call, body }),
      delete: (workspace: string, call?: CallOptions): Promise<void> =>
        send('DELETE', pathTo('/v1/workspaces', workspace), call),
      handOver: (workspace: string, body: { memberId: string }, call?: CallOptions): Promise<Workspace> =>
        send('POST', `${pathTo('/v1/workspaces', workspace)}/owner`, { ...call, body }),
    },
    members: {
      ...listOf<Member, Paging>(transport, '/v1/members'),
      update: (id: string, body: { role: AssignableRole }, call?: CallOptions): Promise<Member> =>
        send('PATCH', pathTo('/v1/members', id), { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo('/v1/members', id), call),
      /** Leaves the workspace. Throws `conflict` for its owner. */
      leave: (call?: CallOptions): Promise<void> => send('DELETE', '/v1/members/me', call),
      endSessions: (id: string, call?: CallOptions): Promise<void> =>
        send('DELETE', `${pathTo('/v1/members', id)}/sessions`, call),
    },
    invitations: {
      ...listOf<Invitation, Paging>(transport, '/v1/invitations'),
      create: (body: { email: string; role: AssignableRole }, call?: CallOptions): Promise<CreatedInvitation> =>
        send('POST', '/v1/invitations', { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo('/v1/invitations', id), call),
      accept: (code: string, call?: CallOptions): Promise<Workspace> =>
        send('POST', `${pathTo('/v1/invitations', code)}/accept`, call),
    },
    accessTokens: credentials<AccessToken, CreatedAccessToken, CreateAccessToken, AccessTokenListQuery>(
      '/v1/access-tokens',
    ),
    apiKeys: {
      ...credentials<ApiKey, CreatedApiKey, CreateApiKey, ApiKeyListQuery>('/v1/api-keys'),
      /** Returns the key with its tag, for an edit that must not overwrite another. */
      read: (id: string, call?: CallOptions): Promise<Tagged<ApiKey>> =>
        transport.sendTagged('GET', pathTo('/v1/api-keys', id), call),
      /** Throws `conflict` if the key's tag is no longer `ifMatch`. */
      update: (id: string, body: UpdateApiKey, call?: CallOptions): Promise<ApiKey> =>
        send('PATCH', pathTo('/v1/api-keys', id), { ...call, body }),
    },
    auditEvents: {
      ...listOf<AuditEvent, AuditListQuery>(transport, '/v1/audit-events'),
      /** Streams the whole log as NDJSON. */
      export: (query?: AuditListQuery, call?: CallOptions): Promise<ReadableStream<Uint8Array>> =>
        transport.stream('/v1/audit-events', { ...call, query: { ...query }, accept: 'application/x-ndjson' }),
    },
    device: {
      start: (body: { client_id?: string } = {}, call?: CallOptions): Promise<DeviceCode> =>
        send('POST', '/v1/device/code', { ...call, body }),
      /**
       * Polls for approval. Throws with `error` `authorization_pending`, `slow_down`, `access_denied` or
       * `expired_token` (RFC 8628, 3.5).
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
    /** Introspects a credential of the caller's workspace (RFC 7662); the caller is an API key with `read`. */
    introspect: (form: { token: string; passphrase?: string }, call?: CallOptions): Promise<Introspection> =>
      send('POST', '/v1/introspect', { ...call, form }),
    /** Revokes a credential by its secret (RFC 7009); the response does not reveal whether it existed. */
    revoke: (form: { token: string }, call?: CallOptions): Promise<void> =>
      send('POST', '/v1/revoke', { ...call, form }),
  };
}

/**
 * Creates a typed client for the whole API. Every call throws `DevpilotError` with the contract's `code`. Without a
 * `credential`, the browser's session cookie is used.
 */
export function createClient(options: ClientOptions = {}): Client {
  const transport = createTransport(options);
  return {
    ...accountClientOf(transport),
    ...resourceClientsOf(transport),
    ...trackerClientsOf(transport),
    ...workClientsOf(transport),
  };
}
