import type { ExchangedToken, TokenRequest } from '../contract/oauth.ts';
import type {
  CreateWorkloadIdentity,
  UpdateWorkloadIdentity,
  WorkloadExchanges,
  WorkloadIdentity,
  WorkloadIdentityTest,
} from '../contract/workload-identities.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Tagged, Transport } from './transport.ts';

export type ExchangeRequest = Omit<TokenRequest, 'grant_type' | 'device_code' | 'client_id'>;

/** Workload identities, and the exchange of tokens for access tokens. */
export function workloadClientsOf(transport: Transport) {
  const { send, sendTagged } = transport;
  const path = '/v1/workload-identities';
  return {
    workloadIdentities: {
      ...listOf<WorkloadIdentity, Paging>(transport, path),
      get: (id: string, call?: CallOptions): Promise<WorkloadIdentity> => send('GET', pathTo(path, id), call),
      /** Returns the identity with its tag, for an update that must not overwrite a concurrent update. */
      read: (id: string, call?: CallOptions): Promise<Tagged<WorkloadIdentity>> =>
        sendTagged('GET', pathTo(path, id), call),
      create: (body: CreateWorkloadIdentity, call?: CallOptions): Promise<WorkloadIdentity> =>
        send('POST', path, { ...call, body }),
      /** Updates an identity. Revokes the access tokens issued for it, unless only its name or lifetime changes. */
      update: (id: string, body: UpdateWorkloadIdentity, call?: CallOptions): Promise<WorkloadIdentity> =>
        send('PATCH', pathTo(path, id), { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(path, id), call),
      exchanges: (id: string, call?: CallOptions): Promise<WorkloadExchanges> =>
        send('GET', `${pathTo(path, id)}/exchanges`, call),
      /** Returns whether a token with these claims would be accepted. */
      test: (
        id: string,
        claims: Readonly<Record<string, unknown>>,
        call?: CallOptions,
      ): Promise<WorkloadIdentityTest> => send('POST', `${pathTo(path, id)}/test`, { ...call, body: { claims } }),
    },
    /** Exchanges an identity token of a workload, or an access token, for a new access token (RFC 8693). */
    exchangeToken: ({ restrictions, ...request }: ExchangeRequest, call?: CallOptions): Promise<ExchangedToken> =>
      send('POST', '/v1/oauth/token', {
        ...call,
        body: {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          ...request,
          ...(restrictions !== undefined && { restrictions: JSON.stringify(restrictions) }),
        },
      }),
  };
}
