import type { UpdateApiKey } from '../contract/api-keys.ts';
import type { Permission } from '../contract/vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { CREDENTIAL_DETAILS, requireCredential } from './credentials.ts';
import { Failure } from './failure.ts';
import { parseExpiry, parseOnOff } from './input.ts';
import { printDetails, printJson, printNote } from './output.ts';
import { type RestrictionOptions, readRestrictions } from './restriction-options.ts';

export interface UpdateKeyOptions extends RemoteOptions, RestrictionOptions {
  readonly name: string | undefined;
  readonly permission: readonly string[] | undefined;
  readonly description: string | undefined;
  readonly expires: string | undefined;
  readonly guard: string | undefined;
}

/** Updates an API key; its secret does not change. An empty description removes the description. */
export async function updateKey(idOrName: string, options: UpdateKeyOptions): Promise<void> {
  const body: UpdateApiKey = {
    ...(options.name !== undefined && { name: options.name }),
    ...(options.permission !== undefined && { permissions: [...options.permission] as Permission[] }),
    ...(options.description !== undefined && { description: options.description === '' ? null : options.description }),
    ...(options.expires !== undefined && { expiresAt: parseExpiry(options.expires) }),
    ...readRestrictions(options),
    ...(options.guard !== undefined && { guard: parseOnOff('--guard', options.guard) }),
  };
  if (Object.keys(body).length === 0)
    throw new Failure(
      'Nothing to update. Use at least one of --name, --description, --permission, --expires, --address, --project, --app, --rate, --max-uses, --guard.',
    );
  const client = connect(options);
  const { id } = await requireCredential(client, 'keys', idOrName);
  await printDetails(await client.apiKeys.update(id, body), CREDENTIAL_DETAILS, options);
}

/** Enables or disables an API key. After disabling returns, no node accepts the key. */
export async function setKeyActive(idOrName: string, active: boolean, options: RemoteOptions): Promise<void> {
  const client = connect(options);
  const { id } = await requireCredential(client, 'keys', idOrName);
  const key = await client.apiKeys.update(id, { active });
  if (options.json === true) await printJson(key);
  else printNote(`${key.name} (${key.id}) is now ${key.status}.`, options);
}
