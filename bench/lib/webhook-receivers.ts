/**
 * Receives webhooks at any path, and counts the distinct events and the gaps in their sequence for each path. A GET
 * request returns the counts.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const receivers = new Map<string, { sequences: Set<number>; highestSequence: number; gaps: number }>();

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    const counts = [...receivers].map(([path, { sequences, gaps }]) => ({ path, count: sequences.size, gaps }));
    response.end(JSON.stringify(counts));
    return;
  }
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const path = request.url ?? '';
    const receiver = receivers.get(path) ?? { sequences: new Set(), highestSequence: 0, gaps: 0 };
    const sequence = Number(/"sequence":(\d+)/.exec(body)?.[1] ?? 0);
    if (sequence > receiver.highestSequence + 1 && receiver.highestSequence > 0) receiver.gaps++;
    receiver.highestSequence = Math.max(receiver.highestSequence, sequence);
    receiver.sequences.add(sequence);
    receivers.set(path, receiver);
    response.writeHead(204).end();
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
