import { redactSecrets } from '../contract/redact.ts';
import type { JobQueue } from '../jobs/jobs.ts';
import type { Outbound } from '../outbound/outbound.ts';
import type { RetryDelays } from '../runner/ssh-connection.ts';
import type { Seal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import type { ActivityIngest } from './activity/activity-ingest.ts';
import type { Storages } from './backups/storage.ts';
import type { ErrorIngest } from './errors/error-ingest.ts';
import type { SourceMapResolver } from './errors/source-maps/source-map-resolver.ts';
import type { Logs } from './logs/logs.ts';
import type { PatternMatcher } from './scripts/pattern-matcher.ts';

/** Dependencies of the features in `src/platform`, to which access tokens and API keys give access. */
export interface PlatformContext {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  /** Whether a server may be this machine itself. */
  readonly allowLocalServers: boolean;
  /**
   * Delays, in milliseconds, before further attempts to connect to a server on which apps run: `long` for work that
   * should survive a longer outage (rollbacks, backups and restores), `short` for all other work.
   */
  readonly connectRetryDelays: { readonly short: RetryDelays; readonly long: RetryDelays };
  /** Stores events of the activity tracker. */
  readonly activityIngest: ActivityIngest;
  /** Stores reported errors. */
  readonly errorIngest: ErrorIngest;
  /** The queue of long-running work. */
  readonly jobs: JobQueue;
  /** Logs of jobs. */
  readonly logs: Logs;
  /** Matches texts against regular expressions that users wrote. */
  readonly patternMatcher: PatternMatcher;
  /** Maps stack frames of minified files to their sources. */
  readonly sourceMaps: SourceMapResolver;
  readonly backupStorages: Storages;
  readonly outbound: Outbound;
  /** Returns the public URL of this installation. */
  readonly publicUrl: () => string;
  /** Reports an error that fails no request, for example of work that is retried later. */
  readonly onError: (error: unknown) => void;
}

/** Fields that can change without an edit of the resource. */
const DERIVED_FIELDS = new Set(['updatedAt', 'nextRunAt']);

/** Returns a JSON value with Devpilot's secrets and the passwords in URLs masked. */
export function redactSecretsIn(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  return JSON.parse(redactSecrets(text.replace(/(:\/\/[^/@\s":]*:)[^/@\s"]+@/g, '$1…@'))) as unknown;
}

/**
 * Returns the old and new values of the fields that differ, except `DERIVED_FIELDS`, with secrets masked; null if none
 * differ. Pure.
 */
export function changesBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { before: Record<string, unknown>; after: Record<string, unknown> } | null {
  const fields = Object.keys(after).filter(
    (field) => !DERIVED_FIELDS.has(field) && JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  if (fields.length === 0) return null;
  const pick = (representation: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(fields.map((field) => [field, redactSecretsIn(representation[field])]));
  return { before: pick(before), after: pick(after) };
}
