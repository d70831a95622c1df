import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';

/** Polls `/healthz` continuously and records the longest time between two responses, in microseconds. */
const { url, shared } = workerData as { url: string; shared: SharedArrayBuffer };
const longest = new Int32Array(shared);
const { hostname, port, host } = new URL(url);
const socket = connect(Number(port), hostname);
let lastResponseAtMs = performance.now();
let resolveResponse = (): void => undefined;
socket.on('data', () => {
  const now = performance.now();
  const gap = Math.round((now - lastResponseAtMs) * 1000);
  lastResponseAtMs = now;
  for (let longestKnown = Atomics.load(longest, 0); gap > longestKnown; ) {
    longestKnown =
      Atomics.compareExchange(longest, 0, longestKnown, gap) === longestKnown ? gap : Atomics.load(longest, 0);
  }
  resolveResponse();
});
for (;;) {
  const response = new Promise<void>((resolve) => (resolveResponse = resolve));
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await response;
  await setTimeout(1);
}
