import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { waitAtMost } from '../jobs/wait-at-most.ts';
import type { DataDirectory } from '../store/data-directory.ts';
import { runEssentialWrite } from '../store/essential-writes.ts';
import { recordCleanStop, recordOpening, writeProbe } from '../store/installation.ts';
import type { SqliteStore } from '../store/sqlite.ts';
import { needsBackgroundCheck, writeState } from '../store/sqlite-integrity.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import type { Store } from '../store/store.ts';
import { createDiskSpace, FULL_DISK_EFFECT } from './disk-space.ts';
import type { OpenOptions } from './open-store.ts';

/** Maximum time that a start waits for the check of a large file. The check continues while the server runs. */
const STARTUP_CHECK_MS = 1_000;
/** Interval between checkpoints of the write-ahead log and checks of the disk. */
const CHECKPOINT_INTERVAL_MS = 5_000;

interface FileCheck {
  /** Returns a description of the damage, null if there is none, or undefined until the check has ended. */
  damage(): string | null | undefined;
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

function startCheck(path: string): FileCheck {
  const workerFile = import.meta.url.endsWith('.ts')
    ? '../store/sqlite-check-worker.ts'
    : '../store/sqlite-check-worker.js';
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(workerFile, import.meta.url), { workerData: { path, stop } });
  let damage: string | null | undefined;
  worker.on('message', (message: string | null) => {
    damage = message;
  });
  worker.on('error', () => {
    // A check that fails is no evidence of damage.
    damage ??= null;
  });
  const done = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.unref();
  return {
    damage: () => damage,
    done,
    async stop() {
      Atomics.store(stop, 0, 1);
      worker.ref();
      await done;
    },
  };
}

/**
 * Monitors the file of an embedded store from its start to its clean shutdown: records the start and the shutdown, in
 * the file and in a state file beside it, writes checkpoints so that the file is almost up to date, and checks a large
 * file while the server runs. Calls `onFault` once if damage is found, and when the disk becomes full; calls
 * `onRecovery` when the disk has free space again. Throws `StartRefusedError` if damage is found within a second.
 */
export async function monitorStore(
  store: SqliteStore,
  { path, databaseFile }: DataDirectory,
  { onFault, onRecovery }: Pick<OpenOptions, 'onFault' | 'onRecovery'>,
): Promise<Store> {
  const check = needsBackgroundCheck(databaseFile) ? startCheck(databaseFile) : null;
  if (check !== null) {
    await waitAtMost(STARTUP_CHECK_MS, check.done);
    const earlyDamage = check.damage();
    if (typeof earlyDamage === 'string')
      throw new StartRefusedError(`${databaseFile} is damaged (${earlyDamage}). Restore a backup.`);
    void check.done.then(() => {
      const damage = check.damage();
      if (typeof damage !== 'string') return;
      onFault?.(`${databaseFile} is damaged (${damage}). Stop the server and restore a backup.`);
    });
  }
  const { store_id, starts } = await store.transaction(recordOpening);
  // The checkpoint moves the recorded start into the file itself, so that a copy without the write-ahead log is
  // recognized as incomplete.
  await store.checkpoint('passive');
  writeState(path, { store: store_id, starts });
  const disk = createDiskSpace(store, path, {
    writeProbe,
    onChange(isFull) {
      if (isFull) onFault?.(`The disk of ${path} is full. ${FULL_DISK_EFFECT}`);
      else onRecovery?.(`The disk of ${path} has free space again.`);
    },
  });
  async function checkpointAndRefillReserve(): Promise<void> {
    await store.checkpoint('passive').catch(() => undefined);
    await disk.fillReserve().catch(() => undefined);
  }
  let pendingCheckpoint = Promise.resolve();
  const checkpointTimer = setInterval(() => {
    pendingCheckpoint = pendingCheckpoint.then(checkpointAndRefillReserve);
  }, CHECKPOINT_INTERVAL_MS);
  checkpointTimer.unref();

  async function recordStop(): Promise<void> {
    try {
      await runEssentialWrite(() => disk.transaction(recordCleanStop));
    } catch {
      writeState(path, { store: store_id, starts, stopped: starts });
      return;
    }
    await store.checkpoint('truncate').catch(() => undefined);
  }

  return {
    ...store,
    fault() {
      const damage = check?.damage();
      return typeof damage === 'string'
        ? `The store is damaged (${damage}): restore a backup.`
        : (store.fault?.() ?? null);
    },
    transaction: disk.transaction,
    isDiskFull: disk.isFull,
    reserveBytes: disk.reserveBytes,
    async close() {
      clearInterval(checkpointTimer);
      await pendingCheckpoint;
      await check?.stop();
      // The directory may have been removed while the store was open.
      if (existsSync(databaseFile)) await recordStop().catch(() => undefined);
      await store.close();
    },
  };
}
