/**
 * Polls `/healthz` continuously and records the longest time between two responses, in microseconds. The parent thread
 * reads this time from the shared memory and resets it to 0.
 */
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';

const { url, shared } = workerData as { url: string; shared: SharedArrayBuffer };
const longestGapUs = new Int32Array(shared);
const { hostname, port, host } = new URL(url);
const socket = connect(Number(port), hostname);
let lastResponseAtMs = performance.now();
let resolveResponse = (): void => undefined;
socket.on('data', () => {
  const now = performance.now();
  const gapUs = Math.round((now - lastResponseAtMs) * 1000);
  lastResponseAtMs = now;
  // Repeats the exchange if the parent thread changed the value between the read and the exchange.
  let previous = Atomics.load(longestGapUs, 0);
  while (gapUs > previous && Atomics.compareExchange(longestGapUs, 0, previous, gapUs) !== previous) {
    previous = Atomics.load(longestGapUs, 0);
  }
  resolveResponse();
});
for (;;) {
  const response = new Promise<void>((resolve) => (resolveResponse = resolve));
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await response;
  await setTimeout(1);
}
