import { createDenials } from '../audit/denials.ts';
import { SYSTEM } from '../audit/log.ts';
import type { Account } from '../contract/schemas.ts';
import { emailKey, type PeopleContext } from '../people/context.ts';
import { listPeople, type OperatorAsker, updateAccount } from '../people/operators.ts';
import { createPasswordReset } from '../people/password-resets.ts';
import { openStore } from '../server/open-store.ts';
import { createPeopleContext } from '../server.ts';
import { readSettings } from '../settings.ts';
import { findPersonByEmail } from '../store/people.ts';
import { Failure } from './failure.ts';
import { type Column, type OutputOptions, print, printJson, printList, showInstant } from './output.ts';

const COLUMNS: readonly Column<Account>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'EMAIL', of: ({ email }) => email },
  { title: 'OPERATOR', of: ({ operator }) => (operator ? 'yes' : 'no') },
  { title: 'DISABLED', of: ({ disabled }) => (disabled ? 'yes' : 'no') },
  { title: '2FA', of: ({ twoFactor }) => (twoFactor ? 'yes' : 'no') },
  { title: 'WORKSPACES', of: ({ workspaces }) => workspaces },
  { title: 'LAST USED', of: ({ lastUsedAt }) => showInstant(lastUsedAt, 'never') },
  { title: 'ID', of: ({ id }) => id },
];

/** Works on the data directory or database of the settings, without a server; SQLite's must not be served meanwhile. */
async function offline<T>(work: (context: PeopleContext) => Promise<T>): Promise<T> {
  const settings = readSettings(process.env);
  const { store, secret, release } = await openStore(settings);
  try {
    const context = createPeopleContext(store, secret, settings, {
      clock: Date.now,
      settle: () => Promise.resolve({ nodes: 0, confirmed: 0, ms: 0 }),
      denials: createDenials(),
      publicUrl: () => settings.publicUrl ?? `http://${settings.host}:${settings.port}`,
      background: { run: () => undefined, stop: () => Promise.resolve() },
    });
    return await work(context);
  } finally {
    await store.close();
    release();
  }
}

function askerOf(command: string): OperatorAsker {
  return { actor: SYSTEM, origin: { address: null, userAgent: `devpilot people ${command}`, requestId: null } };
}

async function findId(context: PeopleContext, named: string): Promise<string> {
  if (named.startsWith('per_')) return named;
  const person = await findPersonByEmail(context.store.read, emailKey(named));
  if (person === undefined) throw new Failure(`There is no person ${named}.`);
  return person.id;
}

async function update(
  command: string,
  named: string,
  change: { disabled?: boolean; operator?: boolean },
  options: OutputOptions,
  done: (account: Account) => string,
): Promise<void> {
  const account = await offline(async (context) =>
    updateAccount(context, askerOf(command), await findId(context, named), change),
  );
  if (options.json === true) await printJson(account);
  else await print(`${done(account)}\n`);
}

/** Lists all people of the installation. */
export async function listAll(options: OutputOptions): Promise<void> {
  const people = await offline(async (context) => {
    const all: Account[] = [];
    let cursor: string | undefined;
    do {
      const page = await listPeople(context, { limit: '200', cursor });
      all.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return all;
  });
  await printList(people, COLUMNS, options);
}

/** Disables a person: all their access ends at once, and they cannot sign in. */
export function disable(named: string, options: OutputOptions): Promise<void> {
  return update('disable', named, { disabled: true }, options, ({ email }) => `${email} is disabled.`);
}

/** Lets a disabled person sign in again. */
export function enable(named: string, options: OutputOptions): Promise<void> {
  return update('enable', named, { disabled: false }, options, ({ email }) => `${email} is enabled.`);
}

/** Makes a person an operator, or with `remove` no operator. */
export function setOperator(named: string, options: OutputOptions & { readonly remove?: true }): Promise<void> {
  const operator = options.remove !== true;
  return update('operator', named, { operator }, options, ({ email }) =>
    operator ? `${email} is an operator.` : `${email} is no operator.`,
  );
}

/** Prints a link with which a person sets a new password. */
export async function resetPassword(named: string, options: OutputOptions): Promise<void> {
  const { actor, origin } = askerOf('reset-password');
  const link = await offline(async (context) =>
    createPasswordReset(context, await findId(context, named), actor, origin),
  );
  const expiresAt = new Date(link.expiresAt).toISOString();
  if (options.json === true) await printJson({ url: link.url, expiresAt });
  else await print(`${link.url}\n`);
}
