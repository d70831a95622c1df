import { SECOND } from '../contract/limits.ts';
import type { Outbound } from '../outbound/outbound.ts';
import type { WebhookTable } from '../store/schema/webhooks.ts';
import type { Seal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import { claimWebhooks, hasClaimableWebhook } from '../store/webhooks.ts';
import { ATTEMPT_TIMEOUT_MS, attemptDelivery } from './attempt.ts';
import { type Attempt, MAX_WAITING, prepareBatch, recordAttempts, releaseWebhook } from './delivery-round.ts';
import { createPacer } from './pacer.ts';

/**
 * Maximum number of webhooks to which this node sends at a time, in total and per workspace. The total is high because
 * a round can spend most of its time waiting for a slow receiver.
 */
const MAX_ROUNDS = 200;
const MAX_ROUNDS_PER_WORKSPACE = 5;
/** A round starts no attempt after this time in milliseconds, so that it ends before its lease expires. */
const ROUND_MS = 30 * SECOND;
const LEASE_MS = ROUND_MS + ATTEMPT_TIMEOUT_MS + 45 * SECOND;
/** Maximum time for which results are collected before they are written together; milliseconds. */
const RECORD_INTERVAL_MS = 250;
/**
 * After this many consecutive failures, the receiver of an unordered webhook is considered to be down, and the round
 * ends.
 */
const MAX_CONSECUTIVE_FAILURES = 3;

export interface DeliveryWorkerOptions {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  readonly outbound: Outbound;
  /** Public URL of the web UI. */
  readonly publicUrl: () => string;
  /** Identifies this process; new on every start. */
  readonly nodeId: string;
  readonly onError: (error: unknown) => void;
}

export interface DeliveryWorker {
  /** Claims webhooks that have messages to send, and starts sending. */
  tick(): Promise<void>;
  /** Claims webhooks now, without waiting for the next `tick`. */
  wake(): void;
  /** Aborts the attempts in progress. Their messages are sent again by another node or after the next start. */
  stop(): Promise<void>;
}

/**
 * Sends the deliveries of webhooks. One node at a time owns a webhook, for a round of limited duration, and sends its
 * messages one at a time. If the node is lost before it records a result, the message is sent again.
 */
export function createDeliveryWorker(options: DeliveryWorkerOptions): DeliveryWorker {
  const { store, clock, nodeId: owner, onError } = options;
  const rounds = new Map<WebhookTable, Promise<void>>();
  const stopController = new AbortController();
  const pacer = createPacer();

  /** Sends one batch. Returns whether the round continues. */
  async function sendBatch(claimed: WebhookTable, endMs: number): Promise<boolean> {
    const batch = await store.transaction((trx) => prepareBatch(trx, claimed, owner, clock(), options.publicUrl()));
    if (batch === null) return false;
    if (batch.due.length === 0) return batch.mayHaveMoreEvents && performance.now() < endMs;
    let attempts: Attempt[] = [];
    let consecutiveFailures = 0;
    let recordedMs = performance.now();
    /** Writes the results of the attempts since the last call. Returns whether sending can continue. */
    const record = async ({ isInterrupted }: { readonly isInterrupted: boolean }) => {
      const unrecorded = attempts;
      attempts = [];
      recordedMs = performance.now();
      return store.transaction((trx) => recordAttempts(trx, claimed, owner, unrecorded, isInterrupted));
    };
    for (const { delivery, body } of batch.due) {
      if (performance.now() > endMs) break;
      let startedMs = performance.now();
      const attempt = () => {
        startedMs = performance.now();
        const message = { id: delivery.message_id, body };
        return attemptDelivery(options, batch.webhook, message, clock(), stopController.signal);
      };
      const result = await pacer.run(attempt, stopController.signal).catch(async (error: unknown) => {
        await record({ isInterrupted: false });
        throw error;
      });
      attempts.push({ delivery, result, endedAt: clock(), durationMs: Math.round(performance.now() - startedMs) });
      if (delivery.is_manual === 0) consecutiveFailures = result.delivered ? 0 : consecutiveFailures + 1;
      const isInterrupted = consecutiveFailures >= (batch.webhook.is_ordered === 1 ? 1 : MAX_CONSECUTIVE_FAILURES);
      if (isInterrupted || result.gone) {
        await record({ isInterrupted });
        return false;
      }
      const isRecordDue = performance.now() - recordedMs > RECORD_INTERVAL_MS;
      if (isRecordDue && !(await record({ isInterrupted: false }))) return false;
    }
    const canContinue = attempts.length === 0 || (await record({ isInterrupted: false }));
    return canContinue && performance.now() < endMs;
  }

  async function runRound(claimed: WebhookTable): Promise<void> {
    try {
      const endMs = performance.now() + ROUND_MS;
      while (!stopController.signal.aborted && (await sendBatch(claimed, endMs)));
    } catch (error) {
      if (!stopController.signal.aborted) onError(error);
    }
    await store.transaction((trx) => releaseWebhook(trx, claimed, owner)).catch(onError);
    rounds.delete(claimed);
  }

  async function tick(): Promise<void> {
    const freeRounds = MAX_ROUNDS - rounds.size;
    if (freeRounds <= 0 || stopController.signal.aborted) return;
    const node = { owner, leaseMs: LEASE_MS, held: [...rounds.keys()] };
    const bounds = { limit: freeRounds, perWorkspace: MAX_ROUNDS_PER_WORKSPACE, maxWaiting: MAX_WAITING };
    if (!(await hasClaimableWebhook(store.read, node, bounds, clock()))) return;
    const claimed = await store.transaction((trx) => claimWebhooks(trx, node, bounds, clock()));
    for (const webhook of claimed) rounds.set(webhook, runRound(webhook));
  }

  let ticking: Promise<void> | null = null;
  const tickOnce = () =>
    (ticking ??= tick().finally(() => {
      ticking = null;
    }));

  return {
    tick: tickOnce,
    wake() {
      tickOnce().catch(onError);
    },
    async stop() {
      stopController.abort();
      await ticking?.catch(() => undefined);
      await Promise.all(rounds.values());
    },
  };
}
