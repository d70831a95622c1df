import { digestOf, digestToBytes, hintOf, mintSecret } from '../authorization/secret.ts';
import { createId } from '../contract/id.ts';
import { insertCredential } from '../store/credentials.ts';
import { openPostgresStore } from '../store/postgres.ts';
import { TEST_SECRET } from './engines.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';
import { type StallingProxy, startStallingProxy } from './stalling-proxy.ts';
import { bearer, signInRemotePerson, signUpOwner, startTestServer, type TestPerson } from './test-server.ts';
import { scaledTimeout } from './timeouts.ts';

type Environment = Readonly<Record<string, string>>;

/** A node in its own process. */
export interface TestClusterNode {
  readonly url: string;
  readonly pid: number;
  stop(signal: NodeJS.Signals): Promise<unknown>;
}

export interface TestClusterKey {
  readonly id: string;
  readonly secret: string;
}

/** Three nodes on one PostgreSQL server. The third node connects through a proxy that can stall. */
export interface TestCluster {
  readonly postgres: TestPostgres;
  readonly proxy: StallingProxy;
  readonly nodes: readonly TestClusterNode[];
  /** The owner, signed in at the first node. */
  readonly owner: TestPerson;
  /** Returns a node by its index; throws if it does not exist. */
  nodeAt(index: number): TestClusterNode;
  /** Kills a node, runs `meanwhile` without the node, and starts a new node in its place. */
  replace(index: number, meanwhile: () => Promise<void>): Promise<void>;
  /** Returns the status of an authorization request to a node; 0 if there was no response in time. */
  authorize(index: number, secret: string, query?: string): Promise<number>;
  close(): Promise<void>;
}

/** Inserts API keys with `read` and `write` directly into the store. */
async function insertKeys(
  url: string,
  workspaceId: string,
  personId: string,
  count: number,
): Promise<TestClusterKey[]> {
  const keys = Array.from({ length: count }, () => ({ id: createId('api_key'), secret: mintSecret('api_key') }));
  const store = await openPostgresStore(url, () => undefined);
  await store.transaction(async (trx) => {
    for (const { id, secret } of keys) {
      await insertCredential(trx, {
        id,
        workspace_id: workspaceId,
        kind: 'api_key',
        name: 'Billing',
        name_key: 'billing',
        description: null,
        rights: '["read","write"]',
        passphrase_hash: null,
        active: 1,
        digest: digestToBytes(digestOf(secret)),
        hint: hintOf(secret),
        expires_at: null,
        created_at: 1,
        updated_at: 1,
        created_by: personId,
        last_used_at: null,
      });
    }
  });
  await store.close();
  return keys;
}

/**
 * Starts three nodes with `start`, which starts a server process with the given environment. Inserts `keyCount` API
 * keys with `read` and `write`.
 */
export async function startTestCluster(
  start: (environment: Environment) => Promise<TestClusterNode>,
  {
    revocationBoundMs,
    keyCount,
    durable = false,
  }: { readonly revocationBoundMs: number; readonly keyCount: number; readonly durable?: boolean },
): Promise<{ cluster: TestCluster; keys: TestClusterKey[] }> {
  const postgres = await startPostgres({ durable });
  const proxy = await startStallingProxy(postgres.port);
  const databaseUrl = await postgres.createDatabase();
  const environment = {
    DATABASE_URL: databaseUrl,
    DEVPILOT_SECRET: TEST_SECRET,
    DEVPILOT_REVOCATION_BOUND: `${revocationBoundMs}ms`,
  };
  const server = await startTestServer({ environment });
  const signedUpOwner = await signUpOwner(server);
  const me = await signedUpOwner.call<{ id: string }>('/v1/me');
  await server.close();
  const keys = await insertKeys(databaseUrl, signedUpOwner.workspaceId, me.body.id, keyCount);

  const startAt = (index: number) =>
    start(
      index === 2
        ? { ...environment, DATABASE_URL: databaseUrl.replace(`:${postgres.port}/`, `:${proxy.port}/`) }
        : environment,
    );
  const nodes = await Promise.all([0, 1, 2].map(startAt));
  function nodeAt(index: number): TestClusterNode {
    const node = nodes[index];
    if (node === undefined) throw new Error(`Node ${index} does not exist.`);
    return node;
  }
  const cluster: TestCluster = {
    postgres,
    proxy,
    nodes,
    owner: await signInRemotePerson(nodeAt(0).url, signedUpOwner.email),
    nodeAt,
    async replace(index, meanwhile) {
      const ended = nodeAt(index).stop('SIGKILL');
      await meanwhile();
      await ended;
      nodes[index] = await startAt(index);
    },
    async authorize(index, secret, query = '') {
      const signal = AbortSignal.timeout(scaledTimeout(5000));
      const response = await fetch(`${nodeAt(index).url}/v1/authorize${query}`, {
        headers: bearer(secret),
        signal,
      }).catch(() => null);
      await response?.arrayBuffer().catch(() => undefined);
      return response?.status ?? 0;
    },
    async close() {
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
      await proxy.close();
      await postgres.close();
    },
  };
  return { cluster, keys };
}
