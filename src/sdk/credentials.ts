import type { AccessToken, CreateAccessToken, CreatedAccessToken } from '../contract/access-tokens.ts';
import type { ApiKey, CreateApiKey, CreatedApiKey, UpdateApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import type { AuditAction } from '../contract/event-names.ts';
import type { AuthorizationExplanation, ExplainAuthorization } from '../contract/explanation.ts';
import type { CredentialImport, ImportCredentials } from '../contract/imports.ts';
import type { LeakLabel, LeakReport } from '../contract/leaks.ts';
import type { Introspection } from '../contract/oauth.ts';
import type { CountedPage } from '../contract/paging.ts';
import type { Policy, PolicyDryRun, UpdatePolicy } from '../contract/policy.ts';
import type { Review, ReviewDecision, ReviewItem } from '../contract/review.ts';
import type {
  AccessTokenStatus,
  ApiKeyStatus,
  CredentialSort,
  Permission,
  ReviewReason,
  Scope,
} from '../contract/vocabulary.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Tagged, Transport } from './transport.ts';

interface CredentialQuery extends Paging {
  /** A substring of the name, case-insensitive. */
  readonly q?: string | undefined;
  /** ID of the creator. */
  readonly createdBy?: string | undefined;
  readonly unusedForDays?: number | undefined;
  /** Only credentials that expire within this number of days; excludes those that have expired or never expire. */
  readonly expiresWithinDays?: number | undefined;
  readonly neverExpires?: boolean | undefined;
  /** Only credentials that violate the policy of the workspace, or only those that do not. */
  readonly violatesPolicy?: boolean | undefined;
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

export interface ReviewListQuery extends Paging {
  readonly reason?: ReviewReason | undefined;
  /** ID of the creator. */
  readonly createdBy?: string | undefined;
  /** Includes credentials that a reviewer has decided to keep. */
  readonly includeKept?: boolean | undefined;
}

/** Access tokens, API keys, their policy and review, the activity log, and OAuth introspection and revocation. */
export function credentialClientsOf(transport: Transport) {
  const { send } = transport;
  const credentials = <Item, Created, Create, Query extends Paging>(path: string) => ({
    ...listOf<Item, Query, CountedPage<Item>>(transport, path),
    get: (id: string, call?: CallOptions): Promise<Item> => send('GET', pathTo(path, id), call),
    /** Creates a credential. Only this response contains the secret. */
    create: (body: Create, call?: CallOptions): Promise<Created> => send('POST', path, { ...call, body }),
    /** Deletes a credential. When this resolves, no node accepts it. */
    delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(path, id), call),
    /** Returns a credential's uses per day for the last 30 days, and the addresses that recently used it. */
    uses: (id: string, call?: CallOptions): Promise<CredentialUses> => send('GET', `${pathTo(path, id)}/uses`, call),
  });

  return {
    accessTokens: credentials<AccessToken, CreatedAccessToken, CreateAccessToken, AccessTokenListQuery>(
      '/v1/access-tokens',
    ),
    apiKeys: {
      ...credentials<ApiKey, CreatedApiKey, CreateApiKey, ApiKeyListQuery>('/v1/api-keys'),
      /** Returns the key with its tag, for an update that must not overwrite a concurrent update. */
      read: (id: string, call?: CallOptions): Promise<Tagged<ApiKey>> =>
        transport.sendTagged('GET', pathTo('/v1/api-keys', id), call),
      /** Throws `conflict` if the key's tag is no longer `ifMatch`. */
      update: (id: string, body: UpdateApiKey, call?: CallOptions): Promise<ApiKey> =>
        send('PATCH', pathTo('/v1/api-keys', id), { ...call, body }),
    },
    /**
     * Imports credentials of other systems by the digests of their secrets: either all of them or none. With `dryRun`,
     * only checks them. Throws `validation_failed` with the positions of the invalid credentials.
     */
    importCredentials: (
      body: ImportCredentials,
      query: { dryRun?: boolean } = {},
      call?: CallOptions,
    ): Promise<CredentialImport> => send('POST', '/v1/credentials/import', { ...call, body, query }),
    policy: {
      get: (call?: CallOptions): Promise<Policy> => send('GET', '/v1/policy', call),
      /** Returns the policy with its tag, for an update that must not overwrite a concurrent update. */
      read: (call?: CallOptions): Promise<Tagged<Policy>> => transport.sendTagged('GET', '/v1/policy', call),
      /** Updates the policy. Throws `validation_failed`, or `conflict` if the policy's tag is no longer `ifMatch`. */
      update: (body: UpdatePolicy, call?: CallOptions): Promise<Policy> =>
        send('PATCH', '/v1/policy', { ...call, body }),
      /** Returns the violations that an update would cause, without updating the policy. Throws `validation_failed`. */
      dryRun: (body: UpdatePolicy, query: { limit?: number } = {}, call?: CallOptions): Promise<PolicyDryRun> =>
        send('PATCH', '/v1/policy', { ...call, body, query: { ...query, dryRun: true } }),
    },
    review: {
      ...listOf<ReviewItem, ReviewListQuery, Review>(transport, '/v1/review'),
      /** Records a decision about a credential, by its ID. Throws `not_found`. */
      decide: (credential: string, body: ReviewDecision, call?: CallOptions): Promise<ReviewItem> =>
        send('POST', pathTo('/v1/review', credential), { ...call, body }),
      /** Streams all matching credentials of the review as CSV. */
      export: (query?: ReviewListQuery, call?: CallOptions): Promise<ReadableStream<Uint8Array>> =>
        transport.stream('/v1/review', { ...call, query: { ...query }, accept: 'text/csv' }),
    },
    auditEvents: {
      ...listOf<AuditEvent, AuditListQuery>(transport, '/v1/audit-events'),
      /** Streams all matching events as NDJSON. */
      export: (query?: AuditListQuery, call?: CallOptions): Promise<ReadableStream<Uint8Array>> =>
        transport.stream('/v1/audit-events', { ...call, query: { ...query }, accept: 'application/x-ndjson' }),
    },
    /** Returns whether a request with a credential would be allowed, and which step decides. Does not count a use. */
    explain: (body: ExplainAuthorization, call?: CallOptions): Promise<AuthorizationExplanation> =>
      send('POST', '/v1/authorize/explain', { ...call, body }),
    /** Introspects a credential of the caller's workspace (RFC 7662). The caller must be an API key with `read`. */
    introspect: (form: { token: string; passphrase?: string }, call?: CallOptions): Promise<Introspection> =>
      send('POST', '/v1/introspect', { ...call, form }),
    /** Revokes a credential by its secret (RFC 7009); the response does not reveal whether it existed. */
    revoke: (form: { token: string }, call?: CallOptions): Promise<void> =>
      send('POST', '/v1/revoke', { ...call, form }),
    /**
     * Reports up to 100 secrets that were found in public. The policy of a credential's workspace determines whether
     * the credential is deleted before this resolves, or only reported to the owner and admins.
     */
    reportLeaks: (reports: readonly LeakReport[], call?: CallOptions): Promise<LeakLabel[]> =>
      send('POST', '/v1/leaks', { ...call, body: reports }),
  };
}
