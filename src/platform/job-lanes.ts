/** Steps that run on one server at a time, whatever they are of. */
const MAX_JOBS_PER_SERVER = 4;

/** The place that a job takes on a server. */
export const serverLane = (serverId: string) => ({ key: `server:${serverId}`, limit: MAX_JOBS_PER_SERVER });
/** The place that a job takes which changes what is live of an app: one at a time. */
export const appLane = (appId: string) => ({ key: `app:${appId}`, limit: 1 });
