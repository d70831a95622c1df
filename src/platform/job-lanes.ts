/** Maximum number of concurrent jobs of any kind per server. */
const MAX_JOBS_PER_SERVER = 4;

/**
 * The lane of a job on a server. A lane is a concurrency limit: at most `limit` jobs with the same `key` run at the same
 * time.
 */
export const serverLane = (serverId: string) => ({ key: `server:${serverId}`, limit: MAX_JOBS_PER_SERVER });
/** The lane of a job that changes the live state of an app: one at a time. */
export const appLane = (appId: string) => ({ key: `app:${appId}`, limit: 1 });
