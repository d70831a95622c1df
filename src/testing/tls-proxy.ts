import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { temporaryDirectory } from './temporary-directory.ts';

/** Starts a proxy that adds TLS to a PostgreSQL server, with a certificate for `localhost` from its own authority. */
export async function startTlsProxy(postgresPort: number): Promise<{
  readonly port: number;
  /** Path of the authority's certificate. */
  readonly authorityFile: string;
  close(): void;
}> {
  const directory = temporaryDirectory();
  const filePath = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const keyOptions = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const createCertificate = (name: string, ...options: string[]) =>
    openssl('req', '-x509', ...keyOptions, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...options);
  createCertificate('ca', '-subj', '/CN=Test authority');
  const issuer = ['-CA', 'ca.crt', '-CAkey', 'ca.key'];
  createCertificate('server', ...issuer, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost');
  const [key, cert] = [readFileSync(filePath('server.key')), readFileSync(filePath('server.crt'))];
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    track(client);
    client.once('data', (firstChunk) => {
      // PostgreSQL's SSLRequest message is eight bytes long. A client that sends another length first is disconnected.
      if (firstChunk.length !== 8) return client.destroy();
      client.write('S');
      const secure = new TLSSocket(client, { isServer: true, key, cert });
      const upstream = connect(postgresPort, '127.0.0.1');
      track(upstream);
      secure.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('close', () => secure.destroy());
      secure.pipe(upstream).pipe(secure);
      return client;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    port: address.port,
    authorityFile: filePath('ca.crt'),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
