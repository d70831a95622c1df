import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback that counts connection attempts and can reset them. */
export interface ConnectionProxy {
  readonly port: number;
  /** Number of connection attempts so far, including those that were reset. */
  attemptCount(): number;
  /** Closes the open connections. */
  closeConnections(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy that counts connection attempts, and resets the attempts for which `shouldRefuse` returns true.
 * Attempts are numbered from 1.
 */
export async function startConnectionProxy(
  targetPort: number,
  shouldRefuse: (attempt: number) => boolean,
): Promise<ConnectionProxy> {
  let attempts = 0;
  const clientSockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    attempts += 1;
    if (shouldRefuse(attempts)) {
      socket.resetAndDestroy();
      return;
    }
    clientSockets.add(socket);
    const upstream = connect(targetPort, '127.0.0.1');
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    attemptCount: () => attempts,
    closeConnections: () => {
      for (const socket of clientSockets) socket.destroy();
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
