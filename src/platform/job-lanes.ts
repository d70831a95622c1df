/** Maximum number of concurrent jobs of any kind per server. */
const MAX_JOBS_PER_SERVER = 4;

/**
 * Returns the lane of jobs on a server. A lane is a concurrency limit: at most `limit` jobs with the same `key` run at
 * the same time.
 */
export const serverLane = (serverId: string) => ({ key: `server:${serverId}`, limit: MAX_JOBS_PER_SERVER });
/** Returns the lane of an app's deployments and restores, which run one at a time. */
export const appLane = (appId: string) => ({ key: `app:${appId}`, limit: 1 });
