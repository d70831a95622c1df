import type { Invitation } from '../contract/invitations.ts';
import type { Member } from '../contract/members.ts';
import { ASSIGNABLE_ROLES } from '../contract/vocabulary.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { confirm, parseChoice } from './input.ts';
import { type Column, formatInstant, print, printDetails, printJson, printList, printNote } from './output.ts';

const COLUMNS: readonly Column<Member>[] = [
  { title: 'NAME', getValue: ({ name }) => name },
  { title: 'EMAIL', getValue: ({ email }) => email },
  { title: 'ROLE', getValue: ({ role }) => role },
  { title: '2FA', getValue: ({ twoFactor }) => (twoFactor ? 'yes' : 'no') },
  { title: 'JOINED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  { title: 'ID', getValue: ({ id }) => id },
];

interface ConfirmOptions extends RemoteOptions {
  readonly yes: true | undefined;
}

const parseRole = (role: string) => parseChoice('The role', role, ASSIGNABLE_ROLES);

/**
 * Returns the member or invitation with an ID or, ignoring case, an email address. Throws `Failure` if there is none.
 */
function requireByIdOrEmail<Item extends { readonly id: string; readonly email: string }>(
  candidates: readonly Item[],
  idOrEmail: string,
  noun: 'member' | 'invitation',
): Item {
  const match = candidates.find(({ id, email }) => id === idOrEmail || email.toLowerCase() === idOrEmail.toLowerCase());
  const listCommand = noun === 'member' ? 'list' : 'invitations';
  if (match === undefined)
    throw new Failure(`No ${noun} ${idOrEmail} found. List all with: devpilot members ${listCommand}`);
  return match;
}

const membersOf = (client: Client): Promise<Member[]> => Array.fromAsync(client.members.all());
const invitationsOf = (client: Client): Promise<Invitation[]> => Array.fromAsync(client.invitations.all());

/** Lists the members of the workspace. */
export async function listMembers(options: RemoteOptions): Promise<void> {
  await printList(await membersOf(connect(options)), COLUMNS, options);
}

/** Lists pending invitations. */
export async function listInvitations(options: RemoteOptions): Promise<void> {
  await printList(
    await invitationsOf(connect(options)),
    [
      { title: 'EMAIL', getValue: ({ email }) => email },
      { title: 'ROLE', getValue: ({ role }) => role },
      { title: 'EXPIRES', getValue: ({ expiresAt }) => formatInstant(expiresAt, 'never') },
      { title: 'ID', getValue: ({ id }) => id },
    ],
    options,
  );
}

/**
 * Invites a person. Prints only the link to standard output, or the invitation with `--json`. The server never returns
 * the link again.
 */
export async function inviteMember(email: string, options: RemoteOptions & { readonly role: string }): Promise<void> {
  const role = parseRole(options.role);
  const created = await connect(options).invitations.create({ email, role });
  if (options.json === true) return printJson(created);
  printNote(
    `Invited ${created.email} as ${role}; the invitation expires ${created.expiresAt}. Link (shown only once):`,
    options,
  );
  await print(`${created.url}\n`);
}

/** Revokes pending invitations. */
export async function revokeInvitations(idsOrEmails: readonly string[], options: ConfirmOptions): Promise<void> {
  const client = connect(options);
  const pendingInvitations = await invitationsOf(client);
  const invitations = idsOrEmails.map((idOrEmail) => requireByIdOrEmail(pendingInvitations, idOrEmail, 'invitation'));
  await deleteItems(
    {
      items: invitations,
      label: ({ email }) => email,
      question: (list) => `Revoke the invitation for ${list}?`,
      note: (list) => `Revoked the invitation for ${list}.`,
      fields: ({ email }) => ({ email }),
      delete: (id) => client.invitations.delete(id),
    },
    options,
  );
}

/** Changes the role of a member. */
export async function changeRole(idOrEmail: string, role: string, options: RemoteOptions): Promise<void> {
  const client = connect(options);
  const assignableRole = parseRole(role);
  const { id } = requireByIdOrEmail(await membersOf(client), idOrEmail, 'member');
  const changed = await client.members.update(id, { role: assignableRole });
  printNote(`${changed.name} now has the role ${changed.role}.`, options);
  await printDetails(
    changed,
    [
      { title: 'ID', getValue: (member) => member.id },
      { title: 'Email', getValue: ({ email }) => email },
      { title: 'Role', getValue: (member) => member.role },
    ],
    options,
  );
}

/** Removes members; the resources that they created remain. */
export async function removeMembers(idsOrEmails: readonly string[], options: ConfirmOptions): Promise<void> {
  const client = connect(options);
  const allMembers = await membersOf(client);
  const members = idsOrEmails.map((idOrEmail) => requireByIdOrEmail(allMembers, idOrEmail, 'member'));
  await deleteItems(
    {
      items: members,
      label: ({ email }) => email,
      question: (list) => `Remove ${list}? Resources they created are kept.`,
      note: (list) => `Removed ${list}.`,
      fields: ({ email }) => ({ email }),
      delete: (id) => client.members.delete(id),
    },
    options,
  );
}

/** Ends all sessions of a member, in all workspaces. */
export async function endSessions(idOrEmail: string, options: ConfirmOptions): Promise<void> {
  const client = connect(options);
  const { id, email } = requireByIdOrEmail(await membersOf(client), idOrEmail, 'member');
  await confirm(`End all sessions of ${email}?`, options.yes);
  await client.members.endSessions(id);
  if (options.json === true) await printJson({ id, email, sessionsEnded: true });
  else printNote(`Ended all sessions of ${email}.`, options);
}

/** Leaves the workspace; the resources that the user created remain. */
export async function leaveWorkspace(options: ConfirmOptions): Promise<void> {
  const client = connect(options);
  const { workspace } = await client.whoami();
  const name = workspace?.name ?? 'the workspace';
  await confirm(`Leave ${name}? Resources you created are kept.`, options.yes);
  await client.members.leave();
  if (options.json === true) await printJson({ workspace: workspace?.id ?? null, left: true });
  else printNote(`Left ${name}.`, options);
}
