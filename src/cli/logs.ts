import { ID_PREFIXES } from '../contract/id.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { parseCount } from './input.ts';
import { printLog } from './operation.ts';

export interface LogsOptions extends RemoteOptions {
  readonly follow: true | undefined;
  readonly from: string | undefined;
  readonly search: string | undefined;
  readonly timestamps: true | undefined;
  readonly raw: true | undefined;
}

/** Returns the API for the log of a deployment or run with this ID, otherwise of an app with this ID or slug. */
function logEndpoint(client: Client, id: string): Client['deployments'] | Client['runs'] | Client['apps'] {
  if (id.startsWith(ID_PREFIXES.deployment)) return client.deployments;
  if (id.startsWith(ID_PREFIXES.run)) return client.runs;
  return client.apps;
}

/** Prints the log of a deployment, a run or an app as text, or as NDJSON with `--json`. */
export async function showLog(id: string, options: LogsOptions): Promise<void> {
  const client = connect(options);
  const endpoint = logEndpoint(client, id);
  const { follow, search: q } = options;
  const query = { from: parseCount('--from', options.from), follow, q, partial: follow };
  await printLog(endpoint.logs(id, query), {
    json: options.json,
    timestamps: options.timestamps,
    raw: options.raw,
    hideSteps: endpoint === client.apps,
  });
}
