import { Counter, collectDefaultMetrics, Gauge, type Registry as Metrics } from 'prom-client';
import { addHealthMetrics, type HealthSources } from './health-metrics.ts';

export interface GaugeSources {
  readonly version: string;
  readonly cachedRecords: () => number;
  readonly usageLagMs: () => number;
  readonly pendingCredentials: () => number;
  readonly refusedLookups: () => number;
  /** Jobs on all nodes. `dueSince` is when the oldest waiting job became due, in epoch milliseconds. */
  readonly jobs: () => Promise<{ waiting: number; running: number; dueSince: number | null }>;
  readonly localJobs: () => number;
  readonly health: HealthSources;
  readonly diskFull: () => boolean;
  readonly reserveBytes: () => number;
}

/** Metrics of the runtime whose names violate the naming conventions: gauges with the suffix `_total`. */
const UNCONVENTIONAL_NAMES = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

function addJobGauges(register: Metrics, readJobs: GaugeSources['jobs']): void {
  const oldest = new Gauge({
    name: 'devpilot_jobs_due_seconds',
    help: 'Time since the oldest waiting job became due',
    registers: [register],
  });
  new Gauge({
    name: 'devpilot_jobs',
    help: 'Waiting and running jobs on all nodes',
    labelNames: ['status'],
    registers: [register],
    async collect() {
      const { waiting, running, dueSince } = await readJobs();
      this.set({ status: 'waiting' }, waiting);
      this.set({ status: 'running' }, running);
      oldest.set(dueSince === null ? 0 : Math.max(0, (Date.now() - dueSince) / 1000));
    },
  });
}

/** Adds the metrics that are read on each scrape, and the metrics of the runtime. */
export function addGauges(register: Metrics, sources: GaugeSources): void {
  collectDefaultMetrics({ register });
  for (const name of UNCONVENTIONAL_NAMES) register.removeSingleMetric(name);
  addHealthMetrics([register], sources.health);
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [register],
      collect() {
        this.set(read());
      },
    });
  gauge('devpilot_records_in_memory', 'Credential records cached in memory', sources.cachedRecords);
  gauge('devpilot_usage_flush_lag_seconds', 'Age of the oldest use not yet written', () => sources.usageLagMs() / 1000);
  gauge('devpilot_usage_pending_credentials', 'Credentials with uses not yet written', sources.pendingCredentials);
  new Counter({
    name: 'devpilot_look_ups_refused_total',
    help: 'Lookups refused because the client address sent too many unknown secrets',
    registers: [register],
    collect() {
      this.reset();
      this.inc(sources.refusedLookups());
    },
  });
  gauge(
    'devpilot_disk_full',
    '1 while the disk is full and only writes that end access, such as deletions of credentials, are accepted',
    () => Number(sources.diskFull()),
  );
  gauge('devpilot_disk_reserve_bytes', 'Disk space reserved for when the disk is full', sources.reserveBytes);
  gauge('devpilot_jobs_here', 'Jobs running on this node', sources.localJobs);
  addJobGauges(register, sources.jobs);
  new Gauge({
    name: 'devpilot_build_info',
    help: 'Versions of Devpilot and Node, as labels; always 1',
    labelNames: ['version', 'node'],
    registers: [register],
  }).set({ version: sources.version, node: process.version }, 1);
}
