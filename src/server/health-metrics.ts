import { existsSync, statfsSync, statSync } from 'node:fs';
import { Gauge, type Registry } from 'prom-client';
import type { PoolUsage } from '../store/postgres-pool.ts';
import { readLastBackupTime } from './last-backup.ts';

/** Sources of the metrics about the health of a node. */
export interface HealthSources {
  readonly isLeaseHeld: () => boolean;
  readonly countLeases: () => Promise<{ servers: number; guards: number }>;
  readonly skewMs: () => number;
  readonly poolUsages: () => Readonly<Record<string, PoolUsage>>;
  readonly dataDirectory: string;
  /** Path of the embedded store's file; null on PostgreSQL. */
  readonly databaseFile: string | null;
}

const fileSizeBytes = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Adds a gauge without labels, which is read on each scrape. */
export function addGauge(register: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [register],
    collect() {
      this.set(read());
    },
  });
}

/** Adds the metrics about the health of a node, which are read on each scrape. */
export function addHealthMetrics(register: Registry, sources: HealthSources): void {
  const { dataDirectory, databaseFile } = sources;
  const registers = [register];
  const gauge = (name: string, help: string, read: () => number) => addGauge(register, name, help, read);
  gauge('devpilot_lease_held', '1 while this node holds its lease', () => Number(sources.isLeaseHeld()));
  new Gauge({
    name: 'devpilot_nodes',
    help: 'Devpilot servers and guards that hold a lease, by kind',
    labelNames: ['kind'],
    registers,
    async collect() {
      // If the store cannot be reached, these values are NaN, and all other metrics are still reported.
      const { servers, guards } = await sources
        .countLeases()
        .catch(() => ({ servers: Number.NaN, guards: Number.NaN }));
      this.set({ kind: 'server' }, servers);
      this.set({ kind: 'guard' }, guards);
    },
  });
  gauge('devpilot_clock_skew_seconds', "Offset of this node's clock from the database clock, positive if ahead", () => {
    return sources.skewMs() / 1000;
  });
  new Gauge({
    name: 'devpilot_store_connections',
    help: 'PostgreSQL connections per pool: in use, maximum, and requests waiting for one',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const [pool, { used, max, waiting }] of Object.entries(sources.poolUsages())) {
        this.set({ pool, state: 'used' }, used);
        this.set({ pool, state: 'most' }, max);
        this.set({ pool, state: 'waiting' }, waiting);
      }
    },
  });
  if (databaseFile !== null) {
    gauge('devpilot_sqlite_bytes', 'Size of the file of the embedded store', () => fileSizeBytes(databaseFile));
    gauge('devpilot_sqlite_wal_bytes', 'Size of the write-ahead log of the embedded store', () =>
      fileSizeBytes(`${databaseFile}-wal`),
    );
  }
  if (existsSync(dataDirectory)) {
    gauge('devpilot_disk_free_bytes', 'Free space on the disk of the data directory', () => freeBytes(dataDirectory));
  }
  gauge(
    'devpilot_last_backup_timestamp_seconds',
    'Start time of the last completed `devpilot backup` with this data directory, 0 if none',
    () => readLastBackupTime(dataDirectory) / 1000,
  );
}
