import { setTimeout as pause } from 'node:timers/promises';
import { MINUTE, SECOND } from '../contract/limits.ts';
import { createMailWorker } from '../notify/mail-worker.ts';
import { scanNotices } from '../notify/notice-scan.ts';
import { checkProviderSessions } from '../people/session-checks.ts';
import type { Base } from './base.ts';
import {
  FLUSH_INTERVAL_MS,
  FLUSH_USES_INTERVAL_MS,
  HOUSEKEEPING_INTERVAL_MS,
  repeatEvery,
  runHousekeeping,
  USE_ADDITION_BUDGET_MS,
  USE_ADDITION_INTERVAL_MS,
} from './housekeeping.ts';
import { SCHEDULER_INTERVALS, startScheduler } from './scheduler.ts';
import type { Services } from './services.ts';

/** Maximum delay of a notice about a deadline, in milliseconds. */
const NOTICE_SCAN_INTERVAL_MS = 5 * MINUTE;
/** Maximum delay of an email about a notice, in milliseconds. */
const MAIL_INTERVAL_MS = 10 * SECOND;
/** Maximum time that a shutdown waits for email: for the mail worker, and for queued password reset links. */
const MAIL_STOP_TIMEOUT_MS = 1_000;
/** Minimum time for the last writes of a shutdown, even if the last responses took long. */
const LAST_WRITES_MIN_MS = 1_500;

/** Starts the job queue, schedules, webhooks, email, and periodic writes and deletions. */
export function startBackgroundWork(
  { settings, options, clock, log, store, closers }: Base,
  { checks, people, sessionActivity, jobs, platform, webhooks }: Services,
): { beginStop(): void } {
  const { usageRecorder, usageJournal, rateLimiter, flushDenials } = checks;
  const onError = (error: unknown) => log.error({ err: error }, 'background task failed; retrying');
  const timers = [
    // Uses have their own timer, so that at most the uses of the last second are lost if the process is killed.
    repeatEvery(FLUSH_USES_INTERVAL_MS, usageRecorder.flush, onError, { fixedRate: true }),
    repeatEvery(FLUSH_USES_INTERVAL_MS, rateLimiter.flush, onError, { fixedRate: true }),
    repeatEvery(FLUSH_INTERVAL_MS, () => flushDenials(), onError),
    repeatEvery(FLUSH_INTERVAL_MS, sessionActivity.flush, onError),
    repeatEvery(USE_ADDITION_INTERVAL_MS, () => usageJournal.addToCredentials(USE_ADDITION_BUDGET_MS), onError),
    repeatEvery(HOUSEKEEPING_INTERVAL_MS, () => runHousekeeping(platform, clock(), settings.retentionDays), onError),
  ];
  if (settings.databaseUrl !== null) {
    timers.push(
      repeatEvery(FLUSH_INTERVAL_MS, checks.refreshFailures, onError),
      repeatEvery(FLUSH_INTERVAL_MS, checks.foreignPrefixes.refresh, onError),
    );
  }
  const intervals = options.schedulerIntervals ?? SCHEDULER_INTERVALS;
  timers.push(
    repeatEvery(intervals.dueMs, webhooks.tick, onError),
    repeatEvery(intervals.noticesMs ?? NOTICE_SCAN_INTERVAL_MS, () => scanNotices(store, clock), onError),
  );
  if (settings.oidc !== null) {
    timers.push(repeatEvery(intervals.sweepMs, () => checkProviderSessions(people), onError));
  }
  const { mail } = people;
  let stopMailWorker = () => Promise.resolve();
  if (mail !== null) {
    const { publicUrl, seal } = people;
    const mailWorker = createMailWorker({ store, clock, seal, publicUrl, send: mail.send, onError });
    const timer = repeatEvery(intervals.noticesMs ?? MAIL_INTERVAL_MS, mailWorker.tick, onError);
    stopMailWorker = async () => {
      mailWorker.stop();
      await Promise.race([timer.stop(), pause(MAIL_STOP_TIMEOUT_MS, undefined, { ref: false })]);
    };
  }
  jobs.start();
  const schedules = startScheduler(platform, intervals);

  closers.add(
    [checks.flushLastUses, () => flushDenials({ everything: true }), sessionActivity.flush],
    LAST_WRITES_MIN_MS,
  );
  closers.add([
    schedules.stop,
    jobs.stop,
    webhooks.stop,
    ...timers.map((timer) => timer.stop),
    platform.patternMatcher.close,
    platform.sourceMaps.close,
    () => people.background.stop(MAIL_STOP_TIMEOUT_MS),
    () => stopMailWorker(),
  ]);
  return {
    /** Starts the slow parts of a shutdown while the last requests complete. The closers wait until they have ended. */
    beginStop() {
      platform.logs.stop();
      schedules.stop().catch(() => undefined);
      jobs.stop().catch(() => undefined);
      webhooks.stop().catch(() => undefined);
    },
  };
}
