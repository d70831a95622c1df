import { ID_PREFIXES } from '../contract/id.ts';
import { type Common, connect } from './connect.ts';
import { readCount } from './input.ts';
import { printLog } from './watch.ts';

export interface LogsOptions extends Common {
  readonly follow?: true;
  readonly from?: string;
  readonly timestamps?: true;
  readonly raw?: true;
}

/** Prints the log of a deployment, a run or an app: text, or with `--json` NDJSON. */
export async function showLog(what: string, options: LogsOptions): Promise<void> {
  const client = connect(options);
  const of = what.startsWith(ID_PREFIXES.deployment)
    ? client.deployments
    : what.startsWith(ID_PREFIXES.run)
      ? client.runs
      : client.apps;
  const ask = { from: readCount('--from', options.from), follow: options.follow };
  await printLog(of.logs(what, ask), {
    json: options.json,
    timestamps: options.timestamps,
    raw: options.raw,
    stepless: of === client.apps,
  });
}
