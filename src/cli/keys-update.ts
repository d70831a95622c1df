import type { UpdateApiKey } from '../contract/schemas.ts';
import type { Permission } from '../contract/words.ts';
import { type Common, connect } from './connect.ts';
import { FACTS, findCredential } from './credentials.ts';
import { Failure } from './failure.ts';
import { readExpiry } from './input.ts';
import { note, printJson, printOne } from './output.ts';

export interface UpdateKeyOptions extends Common {
  readonly name?: string;
  readonly permission?: readonly string[];
  readonly description?: string;
  readonly expires?: string;
  readonly guard?: string;
}

function readSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new Failure('--guard must be on or off.');
  return text === 'on';
}

/** Edits an API key; its secret never changes. An empty description removes it. */
export async function updateKey(named: string, options: UpdateKeyOptions): Promise<void> {
  const body: UpdateApiKey = {
    ...(options.name !== undefined && { name: options.name }),
    ...(options.permission !== undefined && { permissions: [...options.permission] as Permission[] }),
    ...(options.description !== undefined && { description: options.description === '' ? null : options.description }),
    ...(options.expires !== undefined && { expiresAt: readExpiry(options.expires) }),
    ...(options.guard !== undefined && { guard: readSwitch(options.guard) }),
  };
  if (Object.keys(body).length === 0)
    throw new Failure('Give what to change: --name, --description, --permission, --expires, --guard.');
  const client = connect(options);
  const { id } = await findCredential(client, 'keys', named);
  await printOne(await client.apiKeys.update(id, body), FACTS, options);
}

/** Switches an API key on or off. Off, it is refused from the moment this returns. */
export async function switchKey(named: string, active: boolean, options: Common): Promise<void> {
  const client = connect(options);
  const { id } = await findCredential(client, 'keys', named);
  const key = await client.apiKeys.update(id, { active });
  if (options.json === true) await printJson(key);
  else note(`${key.name} (${key.id}) is ${key.status}.`, options);
}
