/** A bare `node:http` server that responds to every request with the headers in its argument, a JSON object. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const headers = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const server = createServer((_request, response) => {
  response.writeHead(200, headers).end();
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
});
