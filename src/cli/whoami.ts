import { type Common, connect, serverUrl } from './connect.ts';
import { printJson, printOne } from './output.ts';

/** Who the CLI is for the server, in which workspace, with which rights. */
export async function whoami(options: Common): Promise<void> {
  const who = await connect(options).whoami();
  if (options.json === true) {
    await printJson(who);
    return;
  }
  const { principal, workspace, rights } = who;
  await printOne(
    { ...who, id: principal.id },
    [
      { title: 'Server', of: () => serverUrl(options) },
      { title: 'Name', of: () => principal.name },
      { title: 'Kind', of: () => principal.kind },
      { title: 'Id', of: () => principal.id },
      ...(principal.email === undefined ? [] : [{ title: 'Email', of: () => principal.email ?? null }]),
      { title: 'Workspace', of: () => (workspace === null ? null : `${workspace.name} (${workspace.slug})`) },
      { title: 'Rights', of: () => rights.role ?? [...rights.scopes, ...rights.permissions].join(' ') },
      { title: 'Expires', of: () => who.expiresAt ?? 'never' },
    ],
    options,
  );
}
