import { randomUUID } from 'node:crypto';
import type { DeployKey } from '../contract/deploy-keys.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { confirm } from './input.ts';
import { print, printJson, printNote, sanitizeInline } from './output.ts';
import { startProgress } from './progress.ts';

export interface DeployKeyOptions extends RemoteOptions {
  readonly replace: true | undefined;
  readonly delete: true | undefined;
  readonly check: true | undefined;
  /** Host key of the Git host to trust. */
  readonly confirm: string | undefined;
  readonly yes: true | undefined;
}

function requireSshHost({ host, port }: DeployKey): { readonly host: string; readonly port: number } {
  if (host === null || port === null)
    throw new Failure('The repository of the app is not fetched over SSH, so there is no host key to confirm.');
  return { host, port };
}

async function checkHost({ apps }: Client, app: string, options: DeployKeyOptions): Promise<void> {
  const progress = startProgress('Connecting …', options.quiet);
  const check = await apps.deployKey.check(app).finally(() => progress.end());
  if (check.hostKeys.length === 0) process.exitCode = EXIT_CODES.failed;
  if (options.json === true) return printJson(check);
  printNote(sanitizeInline(check.message), check.hostKeys.length === 0 ? {} : options);
  for (const key of check.hostKeys) await print(`${sanitizeInline(key)}\n`);
}

/**
 * Shows the deploy key of an app, creating it if there is none; or replaces or deletes it; or shows or confirms the
 * host key of the Git host.
 */
export async function deployKey(app: string, options: DeployKeyOptions): Promise<void> {
  const client = connect(options);
  const { deployKey: api } = client.apps;
  if (options.check === true) return checkHost(client, app, options);
  const current = await api.get(app);
  if (options.delete === true) {
    await confirm(
      "Delete the deploy key? The repository will be fetched with the SSH keys of the app's server.",
      options.yes,
    );
    await api.delete(app);
    return printNote('Deploy key deleted. Remove its public key at the Git host too.', options);
  }
  if (options.confirm !== undefined) {
    const sshHost = requireSshHost(current);
    await confirm(`Trust this host key of ${sshHost.host}, port ${sshHost.port}: ${options.confirm}?`, options.yes);
    const confirmed = await api.confirm(app, { ...sshHost, hostKey: options.confirm });
    if (options.json === true) return printJson(confirmed);
    return printNote(`Confirmed the host key of ${sshHost.host}.`, options);
  }
  if (options.replace === true && current.publicKey !== null) {
    await confirm(
      'Replace the deploy key? Deployments will fail until you add the new key at the Git host.',
      options.yes,
    );
  }
  const deployKeyToPrint =
    options.replace === true || current.publicKey === null
      ? await api.replace(app, { idempotencyKey: randomUUID() })
      : current;
  if (options.json === true) return printJson(deployKeyToPrint);
  if (deployKeyToPrint.hostKey === null && deployKeyToPrint.host !== null) {
    printNote(
      `The host key of ${deployKeyToPrint.host} is not confirmed. Show it with --check, then trust it with --confirm.`,
      options,
    );
  }
  return print(`${deployKeyToPrint.publicKey}\n`);
}
