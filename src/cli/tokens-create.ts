import { randomUUID } from 'node:crypto';
import { LIMITS } from '../contract/limits.ts';
import { describeRight, SCOPES, type Scope } from '../contract/vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { printCreated } from './credentials.ts';
import { Failure } from './failure.ts';
import { cancelledFailure, isInteractive, parseExpiry, readSecret } from './input.ts';
import { type RestrictionOptions, readRestrictions } from './restriction-options.ts';

export interface CreateTokenOptions extends RemoteOptions, RestrictionOptions {
  readonly name: string | undefined;
  readonly scope: readonly string[] | undefined;
  readonly expires: string | undefined;
  readonly passphrase: string | undefined;
}

interface TokenFields {
  readonly name: string;
  readonly scopes: Scope[];
  readonly expiresAt: string | null;
  readonly passphrase: string | null;
}

/** Prompts for fields that the options did not set. Prompts are written to standard error. */
async function promptForFields(options: CreateTokenOptions): Promise<TokenFields> {
  const prompts = await import('@clack/prompts');
  const output = process.stderr;
  /** Returns the answer to a prompt. Throws `Failure` if the user cancelled the prompt. */
  const requireAnswer = <Answer>(answer: Answer): Exclude<Answer, symbol> => {
    if (typeof answer === 'symbol') throw cancelledFailure();
    return answer as Exclude<Answer, symbol>;
  };
  const name =
    options.name ?? requireAnswer(await prompts.text({ message: 'Name', placeholder: 'CI/CD Pipeline', output }));
  const scopes =
    options.scope ??
    requireAnswer(
      await prompts.multiselect({
        message: 'Scopes',
        options: SCOPES.map((value) => ({ value, label: value, hint: describeRight(value) })),
        output,
      }),
    );
  const expires =
    options.expires ??
    requireAnswer(await prompts.text({ message: 'Expiry (30d, 2027-02-24, never, …)', initialValue: '90d', output }));
  const passphrase = requireAnswer(
    await prompts.password({
      message: `Passphrase (at least ${LIMITS.passphrase.min} characters; empty for none)`,
      output,
    }),
  );
  return {
    name,
    scopes: [...scopes] as Scope[],
    expiresAt: parseExpiry(expires),
    passphrase: passphrase === undefined || passphrase === '' ? null : passphrase,
  };
}

async function readFields(options: CreateTokenOptions): Promise<TokenFields> {
  if (options.passphrase !== undefined && options.passphrase !== '-') {
    throw new Failure('A passphrase on the command line is saved in shell history. Use --passphrase - and pipe it in.');
  }
  if (options.name === undefined || options.scope === undefined) {
    if (isInteractive() && options.passphrase === undefined) return promptForFields(options);
    throw new Failure('Without a terminal, or with --passphrase -, --name and --scope are required.');
  }
  return {
    name: options.name,
    scopes: [...options.scope] as Scope[],
    expiresAt: parseExpiry(options.expires ?? 'never'),
    passphrase: options.passphrase === undefined ? null : await readSecret('passphrase'),
  };
}

/** Creates an access token; prints only the secret to standard output. */
export async function createToken(options: CreateTokenOptions): Promise<void> {
  const client = connect(options);
  const fields = { ...readRestrictions(options), ...(await readFields(options)) };
  await printCreated(await client.accessTokens.create(fields, { idempotencyKey: randomUUID() }), options);
}
