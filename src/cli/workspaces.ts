import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { note, printList } from './output.ts';
import { changeWorkspace, profileName } from './profile.ts';

/** Lists the workspaces that one is a member of. */
export async function listWorkspaces(options: Common): Promise<void> {
  const workspaces = await Array.fromAsync(connect(options).workspaces.all());
  await printList(
    workspaces,
    [
      { title: 'SLUG', of: ({ slug }) => slug },
      { title: 'NAME', of: ({ name }) => name },
      { title: 'ROLE', of: ({ role }) => role },
      { title: 'ID', of: ({ id }) => id },
    ],
    options,
  );
}

/** Makes a workspace the one that commands of this profile are about. */
export async function useWorkspace(named: string, options: Common): Promise<void> {
  const workspaces = await Array.fromAsync(connect(options).workspaces.all());
  const workspace = workspaces.find(({ id, slug }) => id === named || slug === named);
  if (workspace === undefined) throw new Failure(`You are a member of no workspace ${named}.`);
  changeWorkspace(profileName(options.profile), workspace.slug);
  note(`Commands are about ${workspace.name} now.`, options);
}
