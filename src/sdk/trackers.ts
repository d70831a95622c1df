import type { ActivityEvent, ActivityIngestResult, Analytics } from '../contract/activity.ts';
import type {
  CreateErrorKey,
  ErrorEvent,
  ErrorIngestResult,
  ErrorIssue,
  ErrorIssueDetail,
  ErrorKey,
  ErrorReport,
  SourceMap,
  UpdateIssue,
} from '../contract/errors.ts';
import type { ActivityGroup, ErrorLevel, Interval, IssueStatus } from '../contract/platform-vocabulary.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Transport } from './transport.ts';

/** A CloudEvents 1.0 event; events with the same `source` and `id` are stored once. */
export interface CloudEventInput {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: unknown;
  /** Binary data, in place of `data`. */
  readonly data_base64?: string;
  /** Extension attributes: strings, integers or booleans. Their names consist of lower-case letters and digits. */
  readonly [extension: string]: unknown;
}

export interface ActivityListQuery extends Paging {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
  /** Inclusive. */
  readonly from?: string | undefined;
  /** Exclusive. */
  readonly to?: string | undefined;
}

export interface AnalyticsOptions {
  readonly interval?: Interval | undefined;
  readonly groupBy?: ActivityGroup | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface IssueListQuery extends Paging {
  /** A substring of the title, case-insensitive. */
  readonly q?: string | undefined;
  readonly status?: IssueStatus | undefined;
  readonly level?: ErrorLevel | undefined;
  readonly release?: string | undefined;
  readonly environment?: string | undefined;
  readonly app?: string | undefined;
  readonly sort?: '-lastSeenAt' | '-firstSeenAt' | '-count' | undefined;
}

/** The activity tracker and the error tracker. */
export function trackerClientsOf(transport: Transport) {
  const { send, stream } = transport;
  const analytics = '/v1/activity/analytics';
  const issues = '/v1/errors/issues';
  const keys = '/v1/errors/keys';
  const sourceMaps = '/v1/errors/source-maps';
  return {
    activity: {
      ...listOf<ActivityEvent, ActivityListQuery>(transport, '/v1/activity/events'),
      /** Sends up to 1,000 events: either all of them are stored or none. */
      send: (events: CloudEventInput | readonly CloudEventInput[], call?: CallOptions): Promise<ActivityIngestResult> =>
        send('POST', '/v1/activity/events', { ...call, body: events }),
      /** Streams up to 100,000 events as CSV. */
      csv: (query?: ActivityListQuery, call?: CallOptions): Promise<ReadableStream<Uint8Array>> =>
        stream('/v1/activity/events', { ...call, query: { ...query }, accept: 'text/csv' }),
      analytics: (query?: AnalyticsOptions, call?: CallOptions): Promise<Analytics> =>
        send('GET', analytics, { ...call, query: { ...query } }),
      /** Streams the points of the chart as CSV. */
      analyticsCsv: (query?: AnalyticsOptions, call?: CallOptions): Promise<ReadableStream<Uint8Array>> =>
        stream(analytics, { ...call, query: { ...query }, accept: 'text/csv' }),
    },
    errors: {
      report: (body: ErrorReport, call?: CallOptions): Promise<ErrorIngestResult> =>
        send('POST', '/v1/errors/events', { ...call, body }),
      /** Error keys, which are not secret and can only submit errors. Each has a DSN for Sentry SDKs. */
      keys: {
        ...listOf<ErrorKey, Paging>(transport, keys),
        create: (body: CreateErrorKey, call?: CallOptions): Promise<ErrorKey> => send('POST', keys, { ...call, body }),
        /** Deletes a key. After this resolves, no node accepts errors submitted with it. */
        delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(keys, id), call),
      },
      /** Source maps, which convert stack frames of minified files to positions in their sources. */
      sourceMaps: {
        ...listOf<SourceMap, Paging & { readonly app?: string | undefined }>(transport, sourceMaps),
        /** Uploads a source map as gzip-compressed JSON. */
        upload: (
          { app, debugId, file }: { readonly app: string; readonly debugId: string; readonly file: string },
          packedJson: Uint8Array<ArrayBuffer>,
          call?: CallOptions,
        ): Promise<SourceMap> => send('POST', sourceMaps, { ...call, query: { app, debugId, file }, packedJson }),
        delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(sourceMaps, id), call),
      },
      issues: {
        ...listOf<ErrorIssue, IssueListQuery>(transport, issues),
        get: (id: string, call?: CallOptions): Promise<ErrorIssueDetail> => send('GET', pathTo(issues, id), call),
        /** Resolves, reopens or mutes an issue. Occurrences of a muted issue are counted, but do not reopen it. */
        update: (id: string, body: UpdateIssue, call?: CallOptions): Promise<ErrorIssueDetail> =>
          send('PATCH', pathTo(issues, id), { ...call, body }),
        /** Deletes an issue with its occurrences. If the error is reported again, a new issue is created. */
        delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(issues, id), call),
        /** Lists the stored occurrences of an issue, newest first. */
        events: (id: string) => listOf<ErrorEvent, Paging>(transport, `${pathTo(issues, id)}/events`),
      },
    },
  };
}
