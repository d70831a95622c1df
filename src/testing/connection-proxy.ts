import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that counts connection attempts and can refuse them. */
export interface ConnectionProxy {
  readonly port: number;
  /** Number of connection attempts so far, including refused ones. */
  count(): number;
  /** Closes the open connections. */
  closeConnections(): void;
  close(): Promise<void>;
}

/** Starts a proxy that counts connection attempts, and resets the attempts for which `shouldRefuse` returns true. */
export async function startConnectionProxy(
  targetPort: number,
  shouldRefuse: (attempt: number) => boolean,
): Promise<ConnectionProxy> {
  let count = 0;
  const openSockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    count += 1;
    if (shouldRefuse(count)) {
      socket.resetAndDestroy();
      return;
    }
    openSockets.add(socket);
    const upstream = connect(targetPort, '127.0.0.1');
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    count: () => count,
    closeConnections: () => {
      for (const socket of openSockets) socket.destroy();
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
