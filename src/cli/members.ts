import type { Invitation, Member } from '../contract/schemas.ts';
import { GIVEN_ROLES, type GivenRole } from '../contract/words.ts';
import type { Client } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm } from './input.ts';
import { type Column, note, print, printJson, printList, printOne, showInstant } from './output.ts';

const COLUMNS: readonly Column<Member>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'EMAIL', of: ({ email }) => email },
  { title: 'ROLE', of: ({ role }) => role },
  { title: '2FA', of: ({ twoFactor }) => (twoFactor ? 'yes' : 'no') },
  { title: 'SINCE', of: ({ createdAt }) => showInstant(createdAt, 'never') },
  { title: 'ID', of: ({ id }) => id },
];

interface Confirmed extends Common {
  readonly yes?: true;
}

function readRole(role: string): GivenRole {
  const given = GIVEN_ROLES.find((one) => one === role);
  if (given === undefined) throw new Failure(`A role is one of: ${GIVEN_ROLES.join(', ')}.`);
  return given;
}

/** Finds one by its id or email address, whatever the case. */
function named<One extends { readonly id: string; readonly email: string }>(
  all: readonly One[],
  name: string,
  noun: string,
): One {
  const found = all.find(({ id, email }) => id === name || email.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw new Failure(`There is no ${noun} ${name}.`);
  return found;
}

const membersOf = (client: Client): Promise<Member[]> => Array.fromAsync(client.members.all());
const invitationsOf = (client: Client): Promise<Invitation[]> => Array.fromAsync(client.invitations.all());

/** Lists the members of the workspace. */
export async function listMembers(options: Common): Promise<void> {
  await printList(await membersOf(connect(options)), COLUMNS, options);
}

/** Lists the invitations that are still open. */
export async function listInvitations(options: Common): Promise<void> {
  await printList(
    await invitationsOf(connect(options)),
    [
      { title: 'EMAIL', of: ({ email }) => email },
      { title: 'ROLE', of: ({ role }) => role },
      { title: 'EXPIRES', of: ({ expiresAt }) => showInstant(expiresAt, 'never') },
      { title: 'ID', of: ({ id }) => id },
    ],
    options,
  );
}

/** Invites somebody. Its link is told once, and alone on standard output. */
export async function inviteMember(email: string, options: Common & { readonly role: string }): Promise<void> {
  const role = readRole(options.role);
  const created = await connect(options).invitations.create({ email, role });
  if (options.json === true) return printJson(created);
  note(`Invited ${created.email} as ${role}, until ${created.expiresAt}. The link, shown only this once:`, options);
  await print(`${created.url}\n`);
}

/** Withdraws invitations that nobody has accepted. */
export async function withdrawInvitations(names: readonly string[], options: Confirmed): Promise<void> {
  const client = connect(options);
  const all = await invitationsOf(client);
  const invitations = names.map((name) => named(all, name, 'invitation'));
  const list = invitations.map(({ email, id }) => `${email} (${id})`).join(', ');
  await confirm(`Withdraw the invitation of ${list}?`, options.yes);
  for (const { id } of invitations) await client.invitations.delete(id);
  if (options.json === true) await printJson(invitations.map(({ id, email }) => ({ id, email, deleted: true })));
  else note(`Withdrew the invitation of ${list}.`, options);
}

/** Makes a member an admin, or an admin a member. */
export async function changeRole(name: string, role: string, options: Common): Promise<void> {
  const client = connect(options);
  const given = readRole(role);
  const { id } = named(await membersOf(client), name, 'member');
  const changed = await client.members.update(id, { role: given });
  note(`${changed.name} is ${changed.role} now.`, options);
  await printOne(
    changed,
    [
      { title: 'Id', of: (member) => member.id },
      { title: 'Email', of: ({ email }) => email },
      { title: 'Role', of: (member) => member.role },
    ],
    options,
  );
}

/** Removes members; what they created stays. */
export async function removeMembers(names: readonly string[], options: Confirmed): Promise<void> {
  const client = connect(options);
  const all = await membersOf(client);
  const members = names.map((name) => named(all, name, 'member'));
  const list = members.map(({ email, id }) => `${email} (${id})`).join(', ');
  await confirm(`Remove ${list}? What they created stays.`, options.yes);
  for (const { id } of members) await client.members.delete(id);
  if (options.json === true) await printJson(members.map(({ id, email }) => ({ id, email, deleted: true })));
  else note(`Removed ${list}.`, options);
}

/** Ends all sessions of a member, in every workspace that they are in. */
export async function endSessions(name: string, options: Confirmed): Promise<void> {
  const client = connect(options);
  const { id, email } = named(await membersOf(client), name, 'member');
  await confirm(`End all sessions of ${email}?`, options.yes);
  await client.members.endSessions(id);
  if (options.json === true) await printJson({ id, email, sessionsEnded: true });
  else note(`Ended all sessions of ${email}.`, options);
}

/** Leaves the workspace; what one created stays. */
export async function leave(options: Confirmed): Promise<void> {
  const client = connect(options);
  const { workspace } = await client.whoami();
  const name = workspace?.name ?? 'the workspace';
  await confirm(`Leave ${name}? What you created stays.`, options.yes);
  await client.members.leave();
  if (options.json === true) await printJson({ workspace: workspace?.id ?? null, left: true });
  else note(`You have left ${name}.`, options);
}
