import { createServer, type Server } from 'node:http';
import { Counter, Histogram, Registry } from 'prom-client';
import type { CredentialAuthenticator } from '../authorization/authenticate.ts';
import { Problem } from '../contract/problem.ts';
import type { Store } from '../store/store.ts';
import { addGauges, type GaugeSources } from './metric-gauges.ts';

export interface MetricsRecorder {
  readonly instrumentAuthenticator: (authenticator: CredentialAuthenticator) => CredentialAuthenticator;
  readonly instrumentStore: (store: Store) => Store;
  readonly recordJobEnd: (kind: string, status: string) => void;
  /** Records that a deletion or edit was confirmed by all nodes after this many milliseconds. */
  readonly recordConfirmation: (ms: number) => void;
  /** `route` is the route pattern instead of the URL, to limit the number of label values. */
  readonly recordResponse: (method: string, route: string, status: number, ms: number) => void;
  readonly listen: (address: { host: string; port: number }, gauges: GaugeSources) => Promise<Server>;
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const HTTP_BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 20];
const CONFIRMATION_BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60];
const FAST_BUCKETS_SECONDS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 1];

/** The counters and histograms that the recorder updates. */
function createInstruments(register: Registry) {
  const registers = [register];
  return {
    decisions: new Counter({
      name: 'devpilot_authorization_decisions_total',
      help: 'Authorization decisions by credential kind and outcome',
      labelNames: ['kind', 'decision'],
      registers,
    }),
    decisionSeconds: new Histogram({
      name: 'devpilot_authorization_decision_seconds',
      help: 'Duration of an authorization decision within the process',
      buckets: FAST_BUCKETS_SECONDS,
      registers,
    }),
    storeSeconds: new Histogram({
      name: 'devpilot_store_seconds',
      help: 'Duration of frequent lookups and transactions in the store',
      labelNames: ['operation'],
      buckets: FAST_BUCKETS_SECONDS,
      registers,
    }),
    errors: new Counter({
      name: 'devpilot_store_errors_total',
      help: 'Frequent lookups and transactions that failed in the store',
      registers,
    }),
    jobsEnded: new Counter({
      name: 'devpilot_jobs_total',
      help: 'Jobs finished on this node, by kind and status',
      labelNames: ['kind', 'status'],
      registers,
    }),
    confirmation: new Histogram({
      name: 'devpilot_confirmation_seconds',
      help: 'Time from the commit of a deletion or edit until no node accepts the old credential',
      buckets: CONFIRMATION_BUCKETS_SECONDS,
      registers,
    }),
    requests: new Counter({
      name: 'devpilot_http_requests_total',
      help: 'HTTP responses by route, method and status',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: 'devpilot_http_request_seconds',
      help: 'Time from the head of a request to the end of its response, by route',
      labelNames: ['route'],
      buckets: HTTP_BUCKETS_SECONDS,
      registers,
    }),
  };
}

/** Returns whether the store failed. Otherwise, the transaction refused a request, for example with `conflict`. */
const isStoreFailure = (error: unknown): boolean => !(error instanceof Problem) || error.status >= 500;

/** Starts the listener for `/metrics`. */
async function serveMetrics(register: Registry, { host, port }: { host: string; port: number }): Promise<Server> {
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
}

/** Creates the metrics that the recorder updates. `listen` adds the metrics that are read on each scrape. */
export function createMetricsRecorder(): MetricsRecorder {
  const register = new Registry();
  const { decisions, decisionSeconds, storeSeconds, errors, jobsEnded, confirmation, requests, latency } =
    createInstruments(register);

  async function timed<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    const stop = storeSeconds.startTimer({ operation });
    try {
      return await work();
    } catch (error) {
      if (isStoreFailure(error)) errors.inc();
      throw error;
    } finally {
      stop();
    }
  }

  return {
    instrumentAuthenticator: (authenticator) => ({
      authenticate(request, requirement) {
        const startMs = performance.now();
        const recordResult = (result: Awaited<ReturnType<CredentialAuthenticator['authenticate']>>) => {
          // The final decision of this request is made later, and is counted then.
          if (request.isPreliminary === true && result.decision === 'ok') return result;
          decisionSeconds.observe((performance.now() - startMs) / 1000);
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
    async listen(address, gauges) {
      addGauges(register, gauges);
      return serveMetrics(register, address);
    },
  };
}
