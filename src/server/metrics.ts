import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as Metrics } from 'prom-client';
import type { CredentialAuthenticator } from '../authorization/authenticate.ts';
import type { Store } from '../store/store.ts';
import { addHealthMetrics, type HealthSources } from './health-metrics.ts';

export interface GaugeSources {
  readonly version: string;
  readonly cachedRecords: () => number;
  readonly usageLagMs: () => number;
  readonly pendingCredentials: () => number;
  readonly refusedLookups: () => number;
  /** Jobs over all nodes; `dueSince` in epoch milliseconds. */
  readonly jobs: () => Promise<{ waiting: number; running: number; dueSince: number | null }>;
  readonly localJobs: () => number;
  readonly health: HealthSources;
  readonly diskFull: () => boolean;
  readonly reserveBytes: () => number;
}

export interface MetricsRecorder {
  readonly instrumentAuthenticator: (authenticator: CredentialAuthenticator) => CredentialAuthenticator;
  readonly instrumentStore: (store: Store) => Store;
  readonly recordJobEnd: (kind: string, status: string) => void;
  /** Records that a deletion or edit was confirmed by all nodes after this many milliseconds. */
  readonly recordConfirmation: (ms: number) => void;
  /** `route` is the pattern, never the URL, to bound the number of labels. */
  readonly recordResponse: (method: string, route: string, status: number, ms: number) => void;
  readonly listen: (address: { host: string; port: number }, gauges: GaugeSources) => Promise<Server>;
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const HTTP_BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 20];
const CONFIRMATION_BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60];
/** Metrics of the runtime whose names break the conventions (gauges ending in `_total`). */
const UNCONVENTIONAL_NAMES = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];
const FAST_BUCKETS_SECONDS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 1];

/** Creates Prometheus metrics. Nothing is measured while `DEVPILOT_METRICS` is off. */
export function createMetricsRecorder(): MetricsRecorder {
  const register = new Metrics();
  const registers = [register];
  const decisions = new Counter({
    name: 'devpilot_authorization_decisions_total',
    help: 'Authorization decisions by credential kind and outcome',
    labelNames: ['kind', 'decision'],
    registers,
  });
  const decisionSeconds = new Histogram({
    name: 'devpilot_authorization_decision_seconds',
    help: 'Duration of an authorization decision within the process',
    buckets: FAST_BUCKETS_SECONDS,
    registers,
  });
  const storeSeconds = new Histogram({
    name: 'devpilot_store_seconds',
    help: 'Duration of hot look-ups and transactions in the store',
    labelNames: ['operation'],
    buckets: FAST_BUCKETS_SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'devpilot_store_errors_total',
    help: 'Failed calls to the store',
    registers,
  });

  const jobsEnded = new Counter({
    name: 'devpilot_jobs_total',
    help: 'Jobs finished on this node, by kind and status',
    labelNames: ['kind', 'status'],
    registers,
  });

  const confirmation = new Histogram({
    name: 'devpilot_confirmation_seconds',
    help: 'Time from the commit of a deletion or edit until no node accepts the old credential',
    buckets: CONFIRMATION_BUCKETS_SECONDS,
    registers,
  });
  const requests = new Counter({
    name: 'devpilot_http_requests_total',
    help: 'HTTP responses by route, method and status',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const latency = new Histogram({
    name: 'devpilot_http_request_seconds',
    help: 'Time from the head of a request to the end of its response, by route',
    labelNames: ['route'],
    buckets: HTTP_BUCKETS_SECONDS,
    registers,
  });

  async function timed<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const stop = storeSeconds.startTimer({ operation });
    try {
      return await work();
    } catch (error) {
      errors.inc();
      throw error;
    } finally {
      stop();
    }
  }

  return {
    instrumentAuthenticator: (authenticator) => ({
      authenticate(request, requirement) {
        const start = performance.now();
        const recordResult = (result: Awaited<ReturnType<CredentialAuthenticator['authenticate']>>) => {
          decisionSeconds.observe((performance.now() - start) / 1000);
          decisions.inc({ kind: result.record?.kind ?? 'unknown', decision: result.decision });
          return result;
        };
        const result = authenticator.authenticate(request, requirement);
        return result instanceof Promise ? result.then(recordResult) : recordResult(result);
      },
    }),
    instrumentStore: (store) => ({
      ...store,
      lookUp: (rows, key) => timed('look_up', () => store.lookUp(rows, key)),
      queryFirst: (statement, parameters) => timed('look_up', () => store.queryFirst(statement, parameters)),
      transaction: (work) => timed('transaction', () => store.transaction(work)),
    }),
    recordJobEnd: (kind, status) => jobsEnded.inc({ kind, status }),
    recordConfirmation: (ms) => confirmation.observe(ms / 1000),
    recordResponse(method, route, status, ms) {
      requests.inc({ method: METHODS.includes(method) ? method : 'other', route, status: String(status) });
      latency.observe({ route }, ms / 1000);
    },
    async listen({ host, port }, gauges) {
      collectDefaultMetrics({ register });
      for (const name of UNCONVENTIONAL_NAMES) register.removeSingleMetric(name);
      addHealthMetrics(registers, gauges.health);
      const gauge = (name: string, help: string, read: () => number) =>
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      gauge('devpilot_records_in_memory', 'Credential records cached in memory', gauges.cachedRecords);
      gauge(
        'devpilot_usage_flush_lag_seconds',
        'Age of the oldest use not yet written',
        () => gauges.usageLagMs() / 1000,
      );
      gauge('devpilot_usage_pending_credentials', 'Credentials with uses not yet written', gauges.pendingCredentials);
      new Counter({
        name: 'devpilot_look_ups_refused_total',
        help: 'Look-ups refused because the client address sent too many unknown secrets',
        registers,
        collect() {
          this.reset();
          this.inc(gauges.refusedLookups());
        },
      });
      gauge('devpilot_disk_full', '1 while the disk is full and only writes that end access are accepted', () =>
        Number(gauges.diskFull()),
      );
      gauge('devpilot_disk_reserve_bytes', 'Disk space reserved for when the disk is full', gauges.reserveBytes);
      gauge('devpilot_jobs_here', 'Jobs running on this node', gauges.localJobs);
      const oldest = new Gauge({
        name: 'devpilot_jobs_due_seconds',
        help: 'How long the oldest due job has been waiting',
        registers,
      });
      new Gauge({
        name: 'devpilot_jobs',
        help: 'Waiting and running jobs on all nodes',
        labelNames: ['status'],
        registers,
        async collect() {
          const { waiting, running, dueSince } = await gauges.jobs();
          this.set({ status: 'waiting' }, waiting);
          this.set({ status: 'running' }, running);
          oldest.set(dueSince === null ? 0 : Math.max(0, (Date.now() - dueSince) / 1000));
        },
      });
      new Gauge({ name: 'devpilot_build_info', help: 'Version', labelNames: ['version', 'node'], registers }).set(
        { version: gauges.version, node: process.version },
        1,
      );
      const server = createServer((request, response) => {
        // Scrapers may send query parameters; they are ignored.
        if (request.url?.split('?', 1)[0] !== '/metrics') {
          response.writeHead(404).end();
          return;
        }
        register.metrics().then(
          (text) => response.writeHead(200, { 'content-type': register.contentType }).end(text),
          () => response.writeHead(500).end(),
        );
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      return server;
    },
  };
}
