import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy in front of an sshd. */
export interface ConnectionProxy {
  readonly port: number;
  /** Number of connection attempts so far, including refused ones. */
  count(): number;
  /** Closes the open connections. */
  closeConnections(): void;
  close(): Promise<void>;
}

/** Starts a proxy that counts connection attempts, and resets the connections for which `refuses` returns true. */
export async function startConnectionProxy(
  innerPort: number,
  refuses: (count: number) => boolean,
): Promise<ConnectionProxy> {
  let count = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    count += 1;
    if (refuses(count)) {
      socket.resetAndDestroy();
      return;
    }
    open.add(socket);
    const inner = connect(innerPort, '127.0.0.1');
    socket.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    inner.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    count: () => count,
    closeConnections: () => {
      for (const socket of open) socket.destroy();
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
