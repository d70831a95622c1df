import type { CommitStatus } from '../contract/commit-status.ts';
import type { CommitStatusApi } from '../contract/git-hosts.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, readSecret } from './input.ts';
import { print, printJson, printNote, sanitizeInline } from './output.ts';

export interface CommitStatusOptions extends RemoteOptions {
  /** The token of the Git host: only `-`, which reads it from standard input. */
  readonly token: string | undefined;
  readonly kind: string | undefined;
  readonly apiUrl: string | undefined;
  readonly delete: true | undefined;
  readonly yes: true | undefined;
}

async function printStatus(status: CommitStatus, options: RemoteOptions): Promise<void> {
  if (options.json === true) return printJson(status);
  const { kind, url, error } = status;
  if (kind === null) return printNote('No commit statuses are reported.', options);
  await print(`${kind} ${sanitizeInline(url ?? '')}\n`);
  if (error !== null) printNote(`The last status could not be reported. ${sanitizeInline(error)}`, {});
}

/** Shows, sets or deletes the Git host API to which deployments of an app are reported as commit statuses. */
export async function commitStatus(app: string, options: CommitStatusOptions): Promise<void> {
  const { commitStatus: api } = connect(options).apps;
  if (options.delete === true) {
    await confirm('Stop reporting commit statuses, and delete the stored token of the Git host?', options.yes);
    await api.delete(app);
    return printNote('Commit statuses are no longer reported. Revoke the token at the Git host too.', options);
  }
  const { token, kind, apiUrl } = options;
  if (token === undefined) {
    if (kind !== undefined || apiUrl !== undefined) throw new Failure('--kind and --api-url require --token -.');
    return printStatus(await api.get(app), options);
  }
  if (token !== '-') {
    throw new Failure('A token on the command line is saved in shell history. Use --token - and pipe it in.');
  }
  const body = {
    token: await readSecret('token of the Git host'),
    // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
    ...(kind !== undefined && { kind: kind as CommitStatusApi }),
    ...(apiUrl !== undefined && { url: apiUrl }),
  };
  await printStatus(await api.set(app, body), options);
}
