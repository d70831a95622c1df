import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { printList, printNote } from './output.ts';
import { profileName, setProfileWorkspace } from './profile.ts';

/** Lists the workspaces of the user. */
export async function listWorkspaces(options: RemoteOptions): Promise<void> {
  const workspaces = await Array.fromAsync(connect(options).workspaces.all());
  await printList(
    workspaces,
    [
      { title: 'SLUG', getValue: ({ slug }) => slug },
      { title: 'NAME', getValue: ({ name }) => name },
      { title: 'ROLE', getValue: ({ role }) => role },
      { title: 'ID', getValue: ({ id }) => id },
    ],
    options,
  );
}

/** Sets the default workspace of the profile. */
export async function useWorkspace(idOrSlug: string, options: RemoteOptions): Promise<void> {
  const workspaces = await Array.fromAsync(connect(options).workspaces.all());
  const workspace = workspaces.find(({ id, slug }) => id === idOrSlug || slug === idOrSlug);
  if (workspace === undefined)
    throw new Failure(
      `You are not a member of workspace ${idOrSlug}. List your workspaces with: devpilot workspaces list`,
    );
  setProfileWorkspace(profileName(options.profile), workspace.slug);
  printNote(`The default workspace is now ${workspace.name}.`, options);
}
