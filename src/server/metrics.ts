import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as Metrics } from 'prom-client';
import type { Judges } from '../credentials/present.ts';
import type { Store } from '../store/store.ts';
import { addHealthMetrics, type HealthSources } from './health-metrics.ts';

export interface Gauges {
  readonly version: string;
  readonly recordsInMemory: () => number;
  /** Milliseconds. */
  readonly usageLag: () => number;
  readonly pendingCredentials: () => number;
  readonly lookUpsRefused: () => number;
  /** Jobs over all nodes; `dueSince` in epoch milliseconds. */
  readonly jobs: () => Promise<{ waiting: number; running: number; dueSince: number | null }>;
  readonly jobsHere: () => number;
  readonly health: HealthSources;
  readonly diskFull: () => boolean;
  readonly reserveBytes: () => number;
}

export interface Meter {
  readonly judges: (judges: Judges) => Judges;
  readonly store: (store: Store) => Store;
  readonly jobEnded: (kind: string, status: string) => void;
  /** A deletion or edit was confirmed by all nodes after so many milliseconds. */
  readonly confirmed: (ms: number) => void;
  /** `route`: the pattern and never the address, so that there are few. */
  readonly answered: (method: string, route: string, status: number, ms: number) => void;
  readonly listen: (address: { host: string; port: number }, gauges: Gauges) => Promise<Server>;
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const HTTP_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 20];
const CONFIRMATION_BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60];
/** Of the runtime, and named against the conventions (gauges that end in `_total`). */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
const BUCKETS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 1];

/** Prometheus metrics. Nothing is measured, and nothing costs, while `DEVPILOT_METRICS` is off. */
export function createMeter(): Meter {
  const register = new Metrics();
  const registers = [register];
  const judged = new Counter({
    name: 'devpilot_judgements_total',
    help: 'Judgements by kind of credential and verdict',
    labelNames: ['kind', 'verdict'],
    registers,
  });
  const judgement = new Histogram({
    name: 'devpilot_judgement_seconds',
    help: 'Time of a judgement in process',
    buckets: BUCKETS,
    registers,
  });
  const storing = new Histogram({
    name: 'devpilot_store_seconds',
    help: 'Time of hot look-ups and of transactions in the store',
    labelNames: ['operation'],
    buckets: BUCKETS,
    registers,
  });
  const errors = new Counter({
    name: 'devpilot_store_errors_total',
    help: 'Calls of the store that failed',
    registers,
  });

  const jobsEnded = new Counter({
    name: 'devpilot_jobs_total',
    help: 'Jobs that ended on this node, by kind and how',
    labelNames: ['kind', 'status'],
    registers,
  });

  const confirmation = new Histogram({
    name: 'devpilot_confirmation_seconds',
    help: 'From the commit of a deletion or edit until no node can accept what it ended',
    buckets: CONFIRMATION_BUCKETS,
    registers,
  });
  const requests = new Counter({
    name: 'devpilot_http_requests_total',
    help: 'Answered requests by route, method and status',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const latency = new Histogram({
    name: 'devpilot_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer, by route',
    labelNames: ['route'],
    buckets: HTTP_BUCKETS,
    registers,
  });

  async function timed<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const stop = storing.startTimer({ operation });
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
    judges: (judges) => ({
      judgePresented(presented, demand) {
        const start = performance.now();
        const note = (done: Awaited<ReturnType<Judges['judgePresented']>>) => {
          judgement.observe((performance.now() - start) / 1000);
          judged.inc({ kind: done.record?.kind ?? 'unknown', verdict: done.verdict });
          return done;
        };
        const done = judges.judgePresented(presented, demand);
        return done instanceof Promise ? done.then(note) : note(done);
      },
    }),
    store: (store) => ({
      ...store,
      lookUp: (rows, key) => timed('look_up', () => store.lookUp(rows, key)),
      first: (statement, parameters) => timed('look_up', () => store.first(statement, parameters)),
      transaction: (work) => timed('transaction', () => store.transaction(work)),
    }),
    jobEnded: (kind, status) => jobsEnded.inc({ kind, status }),
    confirmed: (ms) => confirmation.observe(ms / 1000),
    answered(method, route, status, ms) {
      requests.inc({ method: METHODS.includes(method) ? method : 'other', route, status: String(status) });
      latency.observe({ route }, ms / 1000);
    },
    async listen({ host, port }, gauges) {
      collectDefaultMetrics({ register });
      for (const name of MISNAMED) register.removeSingleMetric(name);
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
      gauge('devpilot_records_in_memory', 'Credential records kept in memory', gauges.recordsInMemory);
      gauge(
        'devpilot_usage_flush_lag_seconds',
        'Age of the oldest use not yet written',
        () => gauges.usageLag() / 1000,
      );
      gauge('devpilot_usage_pending_credentials', 'Credentials with uses not yet written', gauges.pendingCredentials);
      new Counter({
        name: 'devpilot_look_ups_refused_total',
        help: 'Look-ups refused because their address presented too many unknown secrets',
        registers,
        collect() {
          this.reset();
          this.inc(gauges.lookUpsRefused());
        },
      });
      gauge('devpilot_disk_full', '1 while only what ends access is written, for want of room', () =>
        Number(gauges.diskFull()),
      );
      gauge('devpilot_disk_reserve_bytes', 'Room kept on the disk for when it is full', gauges.reserveBytes);
      gauge('devpilot_jobs_here', 'Jobs that run on this node', gauges.jobsHere);
      const oldest = new Gauge({
        name: 'devpilot_jobs_due_seconds',
        help: 'For how long the first job that could run waits',
        registers,
      });
      new Gauge({
        name: 'devpilot_jobs',
        help: 'Jobs over all nodes that wait and that run',
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
        // Scrapers may send parameters; none is used.
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
