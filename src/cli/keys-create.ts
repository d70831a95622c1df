import { randomUUID } from 'node:crypto';
import { describeRight, PERMISSIONS, type Permission } from '../contract/vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { printCreated } from './credentials.ts';
import { Failure } from './failure.ts';
import { cancelledFailure, isInteractive, parseExpiry } from './input.ts';
import { type RestrictionOptions, readRestrictions } from './restriction-options.ts';

export interface CreateKeyOptions extends RemoteOptions, RestrictionOptions {
  readonly name: string | undefined;
  readonly permission: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly expires: string | undefined;
  readonly inactive: true | undefined;
  readonly guard: true | undefined;
}

async function readNameAndPermissions(options: CreateKeyOptions): Promise<{ name: string; permissions: Permission[] }> {
  const { name, permission } = options;
  if (name !== undefined && permission !== undefined) return { name, permissions: [...permission] as Permission[] };
  if (!isInteractive()) throw new Failure('Without a terminal, --name and --permission are required.');
  const prompts = await import('@clack/prompts');
  const output = process.stderr;
  const chosenName = name ?? (await prompts.text({ message: 'Name', placeholder: 'Billing service', output }));
  if (prompts.isCancel(chosenName)) throw cancelledFailure();
  const chosenPermissions =
    permission ??
    (await prompts.multiselect({
      message: 'Permissions',
      options: PERMISSIONS.map((value) => ({ value, label: value, hint: describeRight(value) })),
      output,
    }));
  if (prompts.isCancel(chosenPermissions)) throw cancelledFailure();
  return { name: String(chosenName), permissions: [...chosenPermissions] as Permission[] };
}

/** Creates an API key; prints only the secret to standard output. */
export async function createKey(options: CreateKeyOptions): Promise<void> {
  const client = connect(options);
  const body = {
    ...(await readNameAndPermissions(options)),
    expiresAt: parseExpiry(options.expires ?? 'never'),
    ...(options.description !== undefined && { description: options.description }),
    ...(options.inactive === true && { active: false }),
    ...readRestrictions(options),
    ...(options.guard === true && { guard: true }),
  };
  await printCreated(await client.apiKeys.create(body, { idempotencyKey: randomUUID() }), options);
}
