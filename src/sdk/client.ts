import type { Whoami } from '../contract/whoami.ts';
import { credentialClientsOf } from './credentials.ts';
import { noticeClientsOf } from './notices.ts';
import { peopleClientsOf } from './people.ts';
import { resourceClientsOf } from './resources.ts';
import { signInClientsOf } from './sign-in.ts';
import { trackerClientsOf } from './trackers.ts';
import {
  type CallOptions,
  type ClientOptions,
  createTransport,
  type Method,
  type Request,
  type Transport,
} from './transport.ts';
import { webhookClientsOf } from './webhooks.ts';
import { workClientsOf } from './work.ts';
import { workloadClientsOf } from './workloads.ts';
import { workspaceClientsOf } from './workspaces.ts';

export type { AccessTokenListQuery, ApiKeyListQuery, AuditListQuery, ReviewListQuery } from './credentials.ts';
export { DevpilotError } from './errors.ts';
export type { Paging } from './list-pages.ts';
export type { LogOptions } from './log-stream.ts';
export type { NoticeListQuery } from './notices.ts';
export type { PasskeyOptions, TwoFactor } from './people.ts';
export type { AppListQuery, ResourceListQuery } from './resources.ts';
export type { DeviceCode, DeviceRequest } from './sign-in.ts';
export type {
  ActivityListQuery,
  AnalyticsOptions,
  CloudEventInput,
  IssueListQuery,
} from './trackers.ts';
export type { CallOptions, ClientOptions, Tagged } from './transport.ts';
export type { DeploymentListQuery, ScriptListQuery, WorkListQuery } from './work.ts';
export type { ExchangeRequest } from './workloads.ts';

export type Client = ReturnType<typeof requestsOf> &
  ReturnType<typeof peopleClientsOf> &
  ReturnType<typeof signInClientsOf> &
  ReturnType<typeof workspaceClientsOf> &
  ReturnType<typeof credentialClientsOf> &
  ReturnType<typeof resourceClientsOf> &
  ReturnType<typeof trackerClientsOf> &
  ReturnType<typeof workClientsOf> &
  ReturnType<typeof webhookClientsOf> &
  ReturnType<typeof noticeClientsOf> &
  ReturnType<typeof workloadClientsOf>;

/** Methods for arbitrary requests, and for the caller's identity. */
function requestsOf(transport: Transport) {
  const { send } = transport;
  return {
    /** Sends any request, for operations without a method here. */
    request: <Body>(method: Method, path: string, request?: Request): Promise<Body> => send(method, path, request),
    stream: transport.stream,

    whoami: (call?: CallOptions): Promise<Whoami> => send('GET', '/v1/whoami', call),
  };
}

/**
 * Creates a typed client for the API. A failed call throws `DevpilotError`, and a call whose signal is aborted
 * throws the signal's reason. Without `credential`, the session cookie of the browser is used.
 */
export function createClient(options: ClientOptions = {}): Client {
  const transport = createTransport(options);
  return {
    ...requestsOf(transport),
    ...peopleClientsOf(transport),
    ...signInClientsOf(transport),
    ...workspaceClientsOf(transport),
    ...credentialClientsOf(transport),
    ...resourceClientsOf(transport),
    ...trackerClientsOf(transport),
    ...workClientsOf(transport),
    ...webhookClientsOf(transport),
    ...noticeClientsOf(transport),
    ...workloadClientsOf(transport),
  };
}
