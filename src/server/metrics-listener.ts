import type { AddressInfo } from 'node:net';
import packageJson from '../../package.json' with { type: 'json' };
import { databaseFileIn } from '../store/data-directory.ts';
import type { Base } from './base.ts';
import { formatAuthority, listenOrExplain } from './listen.ts';
import type { GaugeSources } from './metric-gauges.ts';
import type { NodeMembership } from './node-membership.ts';
import type { Services } from './services.ts';

/** Starts the listener for scrapers. Returns the URL of the metrics; null if `DEVPILOT_METRICS` is off. */
export async function startMetrics(
  { settings, meter, clock, closers, store }: Base,
  { membership, registry, skew }: NodeMembership,
  { checks, jobs }: Services,
): Promise<string | null> {
  const { metrics: listener } = settings;
  if (meter === null || listener === null) return null;
  const gauges: GaugeSources = {
    version: packageJson.version,
    cachedRecords: registry.size,
    usageLagMs: () => checks.usageRecorder.lagMs(clock()),
    pendingCredentials: checks.usageRecorder.pendingCredentials,
    refusedLookupCount: checks.unknownSecretLimiter.refusalCount,
    countJobs: jobs.counts,
    countLocalJobs: jobs.running,
    health: {
      isLeaseHeld: membership.lease.holds,
      countLeases: membership.countLeases,
      skewMs: skew.skewMs,
      poolUsages: () => {
        const leases = membership.leasePoolUsage();
        return { ...store.poolUsage?.(), ...(leases !== null && { lease: leases }) };
      },
      dataDirectory: settings.dataDirectory,
      databaseFile: settings.databaseUrl === null ? databaseFileIn(settings.dataDirectory) : null,
    },
    isDiskFull: () => store.isDiskFull?.() ?? false,
    diskReserveBytes: () => store.reserveBytes?.() ?? 0,
  };
  const settingNames = { host: 'DEVPILOT_METRICS', port: 'DEVPILOT_METRICS' };
  const server = await listenOrExplain(settingNames, listener, () => meter.listen(listener, gauges));
  closers.add([() => void server.close()]);
  const { address, port } = server.address() as AddressInfo;
  return `http://${formatAuthority(address, port)}/metrics`;
}
