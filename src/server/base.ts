import type pino from 'pino';
import type { PlatformContext } from '../platform/context.ts';
import type { Store } from '../store/store.ts';
import type { Closers } from './closers.ts';
import { createLogger } from './logger.ts';
import type { MetricsRecorder } from './metrics.ts';
import { openStore } from './open-store.ts';
import type { SchedulerIntervals } from './scheduler.ts';
import type { Settings } from './settings.ts';

export interface StartOptions {
  readonly clock?: () => number;
  /** `PlatformContext.connectRetryDelays`; for tests. */
  readonly connectRetryDelays?: PlatformContext['connectRetryDelays'];
  readonly logger?: pino.Logger;
  /** Milliseconds without a request after which a shutdown considers a connection idle; for tests. */
  readonly idleMs?: number;
  /** Intervals of periodic work; for tests. */
  readonly schedulerIntervals?: SchedulerIntervals;
  /** Lease of a job, after which its node is considered lost, and heartbeat interval, in milliseconds; for tests. */
  readonly jobTimings?: { readonly leaseMs: number; readonly heartbeatMs: number };
}

/** The results of the first step of the startup, which all later steps use. */
export interface Base {
  readonly settings: Settings;
  readonly options: StartOptions;
  readonly clock: () => number;
  readonly log: pino.Logger;
  readonly closers: Closers;
  /** Null if the setting `DEVPILOT_METRICS` is off. */
  readonly meter: MetricsRecorder | null;
  readonly store: Store;
  /** The secret that encrypts stored values. */
  readonly secret: Buffer;
}

/** Opens the store, and creates what all later steps need. Throws the errors of `openStore`. */
export async function openBase(settings: Settings, options: StartOptions, closers: Closers): Promise<Base> {
  const log = options.logger ?? createLogger(settings.logLevel);
  const opened = await openStore(settings, {
    onError: (error) => log.warn({ err: error }, 'database connection lost'),
    onFault: (message) => log.fatal(message),
    onRecovery: (message) => log.warn(message),
  });
  closers.add([opened.release]);
  closers.add([opened.store.close]);
  // Loaded only if needed, to reduce start-up time and idle memory.
  const meter = settings.metrics === null ? null : (await import('./metrics.ts')).createMetricsRecorder();
  const store = meter?.instrumentStore(opened.store) ?? opened.store;
  const clock = options.clock ?? Date.now;
  return { settings, options, clock, log, closers, meter, store, secret: opened.secret };
}
