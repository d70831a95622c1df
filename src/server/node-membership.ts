import type { Digest } from '../authorization/record.ts';
import { createRecordCache } from '../authorization/record-cache.ts';
import { createRecordRegistry, type RecordRegistry } from '../authorization/registry.ts';
import { createId } from '../contract/id.ts';
import { createDeletedSecrets, type DeletedSecrets } from '../credentials/deleted-secrets.ts';
import { readStoredCredential } from '../credentials/stored-record.ts';
import { hasAnyPerson } from '../store/people.ts';
import type { Base } from './base.ts';
import { type ClockSkew, createClockSkew } from './clock-skew.ts';
import { type ClusterMembership, createStandaloneMembership, joinCluster } from './cluster-membership.ts';

/** Maximum number of cached records, about 300 bytes each. */
const MAX_CACHED_RECORDS = 1_000_000;

export interface NodeMembership {
  readonly nodeId: string;
  /** The records with which this node may authorize requests while its lease is valid. */
  readonly registry: RecordRegistry;
  readonly deletedSecrets: DeletedSecrets;
  readonly membership: ClusterMembership;
  readonly skew: ClockSkew;
}

/** Prepares the membership of this process, standalone or in a cluster. `membership.start` acquires the first lease. */
export async function prepareMembership({ settings, clock, log, closers, store }: Base): Promise<NodeMembership> {
  const deletedSecrets = createDeletedSecrets();
  const read = (digest: Digest) => readStoredCredential(store, digest, deletedSecrets);
  const registry = createRecordRegistry({
    read,
    lease: { holds: () => membership.lease.holds() },
    cache: createRecordCache(MAX_CACHED_RECORDS),
  });
  const nodeId = createId('node', clock());
  const skew = createClockSkew(
    (skewMs) => log.warn({ skewMs }, 'clock differs from the database; synchronize both'),
    (skewMs) => log.info({ skewMs }, 'clock agrees with the database again'),
  );
  const isNew = !(await hasAnyPerson(store.read));
  const options = { leaseMs: settings.revocationBoundMs, isNew, registry, read };
  const membership =
    settings.databaseUrl === null
      ? createStandaloneMembership({ ...options, store })
      : joinCluster({
          ...options,
          url: settings.databaseUrl,
          id: nodeId,
          clock,
          onSkew: skew.record,
          onError: (error) => log.warn({ err: error }, 'lease renewal failed; retrying'),
        });
  closers.add([membership.stop]);
  return { nodeId, registry, deletedSecrets, membership, skew };
}
