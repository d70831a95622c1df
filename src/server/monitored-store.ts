import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { DataDirectory } from '../store/data-directory.ts';
import { runEssentialWrite } from '../store/essential-writes.ts';
import { recordCleanStop, recordOpening, touchInstallation } from '../store/installation.ts';
import type { SqliteStore } from '../store/sqlite.ts';
import { needsBackgroundCheck, writeState } from '../store/sqlite-integrity.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import type { Store } from '../store/store.ts';
import { createDiskSpace } from './disk-space.ts';

/** How long a start waits for the check of a large file, which continues while it is served; milliseconds. */
const STARTUP_CHECK_MS = 1_000;
/** Interval between checkpoints of the write-ahead log and checks of the disk, milliseconds. */
const CHECKPOINT_INTERVAL_MS = 5_000;

interface FileCheck {
  /** Describes the damage; null if there is none, undefined while it is not known. */
  found(): string | null | undefined;
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

function startCheck(path: string): FileCheck {
  const body = import.meta.url.endsWith('.ts') ? '../store/sqlite-check-worker.ts' : '../store/sqlite-check-worker.js';
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(body, import.meta.url), { workerData: { path, stop } });
  let found: string | null | undefined;
  worker.on('message', (message: string | null) => {
    found = message;
  });
  worker.on('error', () => {
    found ??= null;
  });
  const done = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.unref();
  return {
    found: () => found,
    done,
    async stop() {
      Atomics.store(stop, 0, 1);
      worker.ref();
      await done;
    },
  };
}

const waitAtMost = (work: Promise<void>, timeoutMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/**
 * Monitors the file of an embedded store from its start to its clean stop: records both in the file and beside it,
 * checkpoints so that the file is close behind what was written, and checks a large file while it is served. Calls
 * `onFault` once for damage that was found. Throws `StartRefusedError` if some is found within a second.
 */
export async function monitorStore(
  store: SqliteStore,
  { path, database }: DataDirectory,
  onFault: (message: string) => void,
): Promise<Store> {
  const check = needsBackgroundCheck(database) ? startCheck(database) : null;
  if (check !== null) {
    await waitAtMost(check.done, STARTUP_CHECK_MS);
    const damage = check.found();
    if (typeof damage === 'string')
      throw new StartRefusedError(`${database} is damaged (${damage}). Restore a backup.`);
    void check.done.then(() => {
      const late = check.found();
      if (typeof late === 'string') onFault(`${database} is damaged (${late}). Stop the server and restore a backup.`);
    });
  }
  const { store_id, starts } = await store.transaction(recordOpening);
  // Into the file itself, so that a copy of it alone shows that it is incomplete.
  await store.checkpoint('passive');
  writeState(path, { store: store_id, starts });
  const disk = createDiskSpace(store, path, {
    touch: touchInstallation,
    onChange: (isFull) =>
      onFault(isFull ? `The disk of ${path} is full.` : `The disk of ${path} has free space again.`),
  });
  async function checkpointAndFill(): Promise<void> {
    await store.checkpoint('passive').catch(() => undefined);
    await disk.fillReserve().catch(() => undefined);
  }
  let pendingCheckpoint = Promise.resolve();
  const checkpointTimer = setInterval(() => {
    pendingCheckpoint = pendingCheckpoint.then(checkpointAndFill);
  }, CHECKPOINT_INTERVAL_MS);
  checkpointTimer.unref();

  async function noteStop(): Promise<void> {
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
      const damage = check?.found();
      return typeof damage === 'string'
        ? `The store is damaged (${damage}): restore a backup.`
        : (store.fault?.() ?? null);
    },
    transaction: disk.transaction,
    diskFull: disk.isFull,
    reserveBytes: disk.reserveBytes,
    async close() {
      clearInterval(checkpointTimer);
      await pendingCheckpoint;
      await check?.stop();
      // Nothing to record if the directory was removed in the meantime.
      if (existsSync(database)) await noteStop().catch(() => undefined);
      await store.close();
    },
  };
}
