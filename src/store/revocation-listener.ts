import type pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import { type ConnectionTimeouts, connectClient, createPostgresServers, isPooled } from './postgres-connect.ts';

/** Notifies the nodes that there are new revocations. */
export const REVOKED_CHANNEL = 'devpilot_revoked';
/** Notifies the nodes that a node has confirmed revocations. */
export const CONFIRMED_CHANNEL = 'devpilot_confirmed';

const LISTEN_TIMEOUTS: ConnectionTimeouts = { connectMs: 2 * SECOND, statementMs: 5 * SECOND, responseMs: 5 * SECOND };
/** Poll interval behind a pooler, where notifications do not arrive; milliseconds. */
const POLL_INTERVAL_MS = 100;

/**
 * Polls for new revocations and confirmations, because a pooler does not forward notifications. Ends only by throwing.
 */
async function pollForRevocations(
  client: Pick<pg.ClientBase, 'query'>,
  onRevoked: () => void,
  onConfirmed: () => void,
): Promise<never> {
  let knownNumber = -1;
  for (;;) {
    const { rows } = await client.query<{ number: number }>('select number from revocation_counter where id = 1');
    const number = rows[0]?.number ?? knownNumber;
    if (number !== knownNumber) onRevoked();
    knownNumber = number;
    // Called each time, because no counter shows whether there are new confirmations.
    onConfirmed();
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}

/**
 * Listens for notifications on a dedicated connection and reconnects after a jittered pause when it breaks. Correctness
 * does not depend on notifications: the next heartbeat or, behind a pooler, the next poll finds missed revocations.
 */
export function listenForNotifications(
  url: string,
  onRevoked: () => void,
  onConfirmed: () => void,
): { stop(): Promise<void> } {
  const servers = createPostgresServers(url);
  let isStopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function listen(listeningClient: pg.Client): Promise<void> {
    listeningClient.on('notification', ({ channel }) => (channel === REVOKED_CHANNEL ? onRevoked() : onConfirmed()));
    if (isPooled(listeningClient)) return pollForRevocations(listeningClient, onRevoked, onConfirmed);
    const broken = new Promise<void>((resolve) => listeningClient.once('end', resolve).once('error', resolve));
    await listeningClient.query(`listen ${REVOKED_CHANNEL}; listen ${CONFIRMED_CHANNEL}`);
    // Checks for notifications that were sent before `listen` took effect.
    onRevoked();
    onConfirmed();
    return broken;
  }

  async function connect(): Promise<void> {
    try {
      client = await connectClient(servers, LISTEN_TIMEOUTS);
      if (!isStopped) await listen(client);
    } catch {
      // Reconnects below.
    }
    await client?.end().catch(() => undefined);
    client = null;
    if (!isStopped) timer = setTimeout(() => void connect(), 100 + Math.random() * 400);
  }

  void connect();
  return {
    async stop() {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
