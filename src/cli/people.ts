import { createDenialBuffer } from '../audit/denials.ts';
import { SYSTEM_LOG } from '../audit/log.ts';
import { type RequestContext, systemRequestContext } from '../audit/request-context.ts';
import type { Account } from '../contract/people.ts';
import { emailKey, type PeopleContext } from '../people/context.ts';
import { listPeople, updateAccount } from '../people/operators.ts';
import { createPasswordReset } from '../people/password-resets.ts';
import { openStore } from '../server/open-store.ts';
import { createPeopleContext } from '../server/people-context.ts';
import { readSettings } from '../server/settings.ts';
import { findPersonByEmail } from '../store/people.ts';
import { Failure } from './failure.ts';
import { type Column, formatInstant, type OutputOptions, print, printJson, printList } from './output.ts';

const COLUMNS: readonly Column<Account>[] = [
  { title: 'NAME', getValue: ({ name }) => name },
  { title: 'EMAIL', getValue: ({ email }) => email },
  { title: 'OPERATOR', getValue: ({ operator }) => (operator ? 'yes' : 'no') },
  { title: 'DISABLED', getValue: ({ disabled }) => (disabled ? 'yes' : 'no') },
  { title: '2FA', getValue: ({ twoFactor }) => (twoFactor ? 'yes' : 'no') },
  { title: 'WORKSPACES', getValue: ({ workspaces }) => workspaces },
  { title: 'LAST USED', getValue: ({ lastUsedAt }) => formatInstant(lastUsedAt, 'never') },
  { title: 'ID', getValue: ({ id }) => id },
];

/** Opens the configured data directory or database without a server. With SQLite, the server must not be running. */
export async function withPeopleContext<Result>(
  action: (context: PeopleContext) => Promise<Result>,
  settings = readSettings(process.env),
): Promise<Result> {
  const { store, secret, release } = await openStore(settings);
  try {
    const context = createPeopleContext(store, secret, settings, {
      clock: Date.now,
      // The commands change people, not credentials, so no node has to confirm a revocation.
      waitForConfirmation: () => Promise.resolve({ nodes: 0, confirmed: 0, ms: 0 }),
      denials: createDenialBuffer(),
      publicUrl: () => settings.publicUrl ?? `http://${settings.host}:${settings.port}`,
      background: { run: () => undefined, stop: () => Promise.resolve() },
    });
    return await action(context);
  } finally {
    await store.close();
    release();
  }
}

function requestContextOf(command: string): RequestContext {
  return systemRequestContext(SYSTEM_LOG, `devpilot people ${command}`);
}

async function resolvePersonId(context: PeopleContext, idOrEmail: string): Promise<string> {
  if (idOrEmail.startsWith('per_')) return idOrEmail;
  const person = await findPersonByEmail(context.store.read, emailKey(idOrEmail));
  if (person === undefined) throw new Failure(`No person ${idOrEmail} found. List all with: devpilot people list`);
  return person.id;
}

async function updatePerson(
  command: string,
  idOrEmail: string,
  change: { disabled?: boolean; operator?: boolean },
  options: OutputOptions,
  messageOf: (account: Account) => string,
): Promise<void> {
  const account = await withPeopleContext(async (context) =>
    updateAccount(context, requestContextOf(command), await resolvePersonId(context, idOrEmail), change),
  );
  if (options.json === true) await printJson(account);
  else await print(`${messageOf(account)}\n`);
}

/** Lists all people of the installation. */
export async function listAllPeople(options: OutputOptions): Promise<void> {
  const people = await withPeopleContext(async (context) => {
    const accounts: Account[] = [];
    let cursor: string | undefined;
    do {
      const page = await listPeople(context, { limit: '200', cursor });
      accounts.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return accounts;
  });
  await printList(people, COLUMNS, options);
}

/** Disables a person: ends their sessions, links, and the invitations that they sent, and blocks sign-in. */
export function disablePerson(idOrEmail: string, options: OutputOptions): Promise<void> {
  return updatePerson('disable', idOrEmail, { disabled: true }, options, ({ email }) => `${email} is now disabled.`);
}

/** Allows a disabled person to sign in again. */
export function enablePerson(idOrEmail: string, options: OutputOptions): Promise<void> {
  return updatePerson('enable', idOrEmail, { disabled: false }, options, ({ email }) => `${email} is now enabled.`);
}

/** Makes a person an operator, or removes the operator role with `remove`. */
export function setOperator(
  idOrEmail: string,
  options: OutputOptions & { readonly remove: true | undefined },
): Promise<void> {
  const operator = options.remove !== true;
  return updatePerson('operator', idOrEmail, { operator }, options, ({ email }) =>
    operator ? `${email} is now an operator.` : `${email} is no longer an operator.`,
  );
}

/** Creates a password reset link and prints it. */
export async function resetPassword(idOrEmail: string, options: OutputOptions): Promise<void> {
  const { actor, origin } = requestContextOf('reset-password');
  const link = await withPeopleContext(async (context) =>
    createPasswordReset(context, await resolvePersonId(context, idOrEmail), actor, origin),
  );
  const expiresAt = new Date(link.expiresAt).toISOString();
  if (options.json === true) await printJson({ url: link.url, expiresAt });
  else await print(`${link.url}\n`);
}
