import { randomUUID } from 'node:crypto';
import { describeRight, LIMITS, SCOPES, type Scope } from '../contract/words.ts';
import { type Common, connect } from './connect.ts';
import { printCreated } from './credentials.ts';
import { Failure } from './failure.ts';
import { cancelled, isInteractive, readExpiry, readSecretInput } from './input.ts';

export interface CreateTokenOptions extends Common {
  readonly name?: string;
  readonly scope?: readonly string[];
  readonly expires?: string;
  readonly passphrase?: string;
}

interface Wanted {
  readonly name: string;
  readonly scopes: Scope[];
  readonly expiresAt: string | null;
  readonly passphrase: string | null;
}

/** Asks for what the options left open. Questions go to standard error. */
async function ask(options: CreateTokenOptions): Promise<Wanted> {
  const prompts = await import('@clack/prompts');
  const output = process.stderr;
  const answered = <Answer>(answer: Answer): Exclude<Answer, symbol> => {
    if (typeof answer === 'symbol') throw cancelled();
    return answer as Exclude<Answer, symbol>;
  };
  const name = options.name ?? answered(await prompts.text({ message: 'Name', placeholder: 'CI/CD Pipeline', output }));
  const scopes =
    options.scope ??
    answered(
      await prompts.multiselect({
        message: 'Scopes',
        options: SCOPES.map((value) => ({ value, label: value, hint: describeRight(value) })),
        output,
      }),
    );
  const expires =
    options.expires ??
    answered(await prompts.text({ message: 'Expires (30d, never, …)', initialValue: '90d', output }));
  const passphrase = answered(
    await prompts.password({
      message: `Passphrase (${LIMITS.passphrase.min} characters or more; empty for none)`,
      output,
    }),
  );
  return {
    name,
    scopes: [...scopes] as Scope[],
    expiresAt: readExpiry(expires),
    passphrase: passphrase === undefined || passphrase === '' ? null : passphrase,
  };
}

async function readOptions(options: CreateTokenOptions): Promise<Wanted> {
  if (options.passphrase !== undefined && options.passphrase !== '-') {
    throw new Failure('A passphrase in a command line ends up in histories. Give --passphrase - and pipe it in.');
  }
  if (options.name === undefined || options.scope === undefined) {
    if (isInteractive() && options.passphrase === undefined) return ask(options);
    throw new Failure('Without a terminal this needs --name and --scope.');
  }
  return {
    name: options.name,
    scopes: [...options.scope] as Scope[],
    expiresAt: readExpiry(options.expires ?? 'never'),
    passphrase: options.passphrase === undefined ? null : await readSecretInput('passphrase'),
  };
}

/** Creates an access token; its secret alone goes to standard output. */
export async function createToken(options: CreateTokenOptions): Promise<void> {
  const client = connect(options);
  const wanted = await readOptions(options);
  await printCreated(await client.accessTokens.create(wanted, { idempotencyKey: randomUUID() }), options);
}
