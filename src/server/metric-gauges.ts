import { Counter, collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { addGauge, addHealthMetrics, type HealthSources } from './health-metrics.ts';

export interface GaugeSources {
  readonly version: string;
  readonly cachedRecords: () => number;
  readonly usageLagMs: () => number;
  readonly pendingCredentials: () => number;
  readonly refusedLookupCount: () => number;
  /** Jobs on all nodes. `dueSince` is when the oldest waiting job became due, in epoch milliseconds. */
  readonly countJobs: () => Promise<{ waiting: number; running: number; dueSince: number | null }>;
  readonly countLocalJobs: () => number;
  readonly health: HealthSources;
  readonly isDiskFull: () => boolean;
  readonly diskReserveBytes: () => number;
}

/** Metrics of the runtime that are not exported: gauges with the suffix `_total`, which is reserved for counters. */
const EXCLUDED_RUNTIME_METRICS = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

function addJobGauges(register: Registry, countJobs: GaugeSources['countJobs']): void {
  let pendingCounts: ReturnType<typeof countJobs> | null = null;
  /** Counts the jobs once per scrape, because both gauges are read at the same time. */
  const countOnce = () => {
    pendingCounts ??= countJobs().finally(() => {
      pendingCounts = null;
    });
    return pendingCounts;
  };
  new Gauge({
    name: 'devpilot_jobs_due_seconds',
    help: 'Time since the oldest waiting job became due',
    registers: [register],
    async collect() {
      const { dueSince } = await countOnce();
      this.set(dueSince === null ? 0 : Math.max(0, (Date.now() - dueSince) / 1000));
    },
  });
  new Gauge({
    name: 'devpilot_jobs',
    help: 'Waiting and running jobs on all nodes',
    labelNames: ['status'],
    registers: [register],
    async collect() {
      const { waiting, running } = await countOnce();
      this.set({ status: 'waiting' }, waiting);
      this.set({ status: 'running' }, running);
    },
  });
}

/** Adds the metrics that are read on each scrape, and the metrics of the runtime. */
export function addGauges(register: Registry, sources: GaugeSources): void {
  collectDefaultMetrics({ register });
  for (const name of EXCLUDED_RUNTIME_METRICS) register.removeSingleMetric(name);
  addHealthMetrics(register, sources.health);
  const gauge = (name: string, help: string, read: () => number) => addGauge(register, name, help, read);
  gauge('devpilot_records_in_memory', 'Credential records cached in memory', sources.cachedRecords);
  gauge('devpilot_usage_flush_lag_seconds', 'Age of the oldest use not yet written', () => sources.usageLagMs() / 1000);
  gauge('devpilot_usage_pending_credentials', 'Credentials with uses not yet written', sources.pendingCredentials);
  new Counter({
    name: 'devpilot_look_ups_refused_total',
    help: 'Lookups refused because the client address sent too many unknown secrets',
    registers: [register],
    collect() {
      // The limiter counts. A counter cannot be set, so it is increased from zero on each scrape.
      this.reset();
      this.inc(sources.refusedLookupCount());
    },
  });
  gauge(
    'devpilot_disk_full',
    '1 while the disk is full and only essential writes are accepted, such as deletions and sign-ins',
    () => Number(sources.isDiskFull()),
  );
  gauge('devpilot_disk_reserve_bytes', 'Disk space reserved for when the disk is full', sources.diskReserveBytes);
  gauge('devpilot_jobs_here', 'Jobs running on this node', sources.countLocalJobs);
  addJobGauges(register, sources.countJobs);
  new Gauge({
    name: 'devpilot_build_info',
    help: 'Versions of Devpilot and Node, as labels; always 1',
    labelNames: ['version', 'node'],
    registers: [register],
  }).set({ version: sources.version, node: process.version }, 1);
}
