import { connect, type RemoteOptions, serverUrl } from './connect.ts';
import { printDetails, printJson } from './output.ts';

/** Shows the authenticated person or credential, the workspace, and the role, scopes or permissions. */
export async function whoami(options: RemoteOptions): Promise<void> {
  const identity = await connect(options).whoami();
  if (options.json === true) {
    await printJson(identity);
    return;
  }
  const { principal, workspace, rights } = identity;
  await printDetails(
    { ...identity, id: principal.id },
    [
      { title: 'Server', getValue: () => serverUrl(options) },
      { title: 'Name', getValue: () => principal.name },
      { title: 'Kind', getValue: () => principal.kind },
      { title: 'ID', getValue: () => principal.id },
      ...(principal.email === undefined ? [] : [{ title: 'Email', getValue: () => principal.email ?? null }]),
      { title: 'Workspace', getValue: () => (workspace === null ? null : `${workspace.name} (${workspace.slug})`) },
      { title: 'Access', getValue: () => rights.role ?? [...rights.scopes, ...rights.permissions].join(' ') },
      { title: 'Expires', getValue: () => identity.expiresAt ?? 'never' },
    ],
    options,
  );
}
