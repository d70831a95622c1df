import { isControlVariable } from '../contract/control-variables.ts';
import { ENV_NAME, writeDotenv } from '../contract/dotenv.ts';
import type { EnvVariable, EnvVersion } from '../contract/environment.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { writePrivateFile } from './files.ts';
import { cancelledFailure, confirm, isInteractive, parseCount, readStdin } from './input.ts';
import { print, printJson, printList, printNote, sanitizeInline, showInstant, takeFirst } from './output.ts';

/** Lists the names of the variables of an app, without requesting their values. */
export async function listVariables(app: string, options: RemoteOptions): Promise<void> {
  const { value } = await connect(options).environment.read(app, { values: 'hidden' });
  await printList<EnvVariable>(
    value.data,
    [
      { title: 'NAME', getValue: ({ name }) => name },
      { title: 'UPDATED', getValue: ({ updatedAt }) => showInstant(updatedAt, 'never') },
    ],
    options,
    ({ name }) => name,
  );
}

export type EnvFormat = 'dotenv' | 'json';

export function parseFormat(format: string): EnvFormat {
  if (format !== 'dotenv' && format !== 'json') throw new Failure('--format must be dotenv or json.');
  return format;
}

export interface PullOptions extends RemoteOptions {
  readonly format: string;
  readonly output: string | undefined;
}

/** Prints the variables to standard output, or writes them to a file of mode 0600. */
export async function pullVariables(app: string, options: PullOptions): Promise<void> {
  const format = parseFormat(options.format);
  const { value } = await connect(options).environment.read(app, { values: 'shown' });
  const variables = value.data.map(({ name, value: text }) => [name, text ?? ''] as const);
  const text =
    format === 'dotenv' ? writeDotenv(variables) : `${JSON.stringify(Object.fromEntries(variables), null, 2)}\n`;
  if (options.output === undefined) return print(text);
  writePrivateFile(options.output, text);
  printNote(`Wrote ${variables.length} variables to ${options.output}, readable only by you.`, options);
}

/** Reads the value of a variable: from standard input without the last newline, or typed without echo. */
async function readVariableValue(name: string): Promise<string> {
  if (!isInteractive()) {
    const value = (await readStdin()).replace(/\r?\n$/, '');
    if (value !== '') return value;
    throw new Failure('Standard input contains no value. To set an empty value, use --empty.');
  }
  const prompts = await import('@clack/prompts');
  const typed = await prompts.password({ message: `Value of ${sanitizeInline(name)}`, output: process.stderr });
  if (typeof typed === 'symbol') throw cancelledFailure();
  return typed ?? '';
}

/** Sets one variable. Its value is never passed on the command line. */
export async function setVariable(
  app: string,
  nameArgument: string,
  options: RemoteOptions & { empty: true | undefined },
): Promise<void> {
  const name = nameArgument.replace(/=-$/, '');
  if (name.includes('=')) {
    throw new Failure('A value on the command line is saved in shell history. Use NAME=- and pipe it in.');
  }
  if (!ENV_NAME.test(name)) {
    throw new Failure('A variable name must consist of A-Z, a-z, 0-9 and _, and not start with a digit.');
  }
  const client = connect(options);
  const variable = await client.environment.set(app, name, options.empty === true ? '' : await readVariableValue(name));
  if (options.json === true) await printJson({ name: variable.name, updatedAt: variable.updatedAt });
  else printNote(`Set ${variable.name} of ${app}.`, options);
  if (isControlVariable(variable.name))
    printNote(`${variable.name} is written to .env only; it is not passed to commands of the app.`, options);
}

/** Removes variables, all or none. */
export async function unsetVariables(
  app: string,
  names: readonly string[],
  options: RemoteOptions & { yes: true | undefined },
): Promise<void> {
  const { environment } = connect(options);
  const { value, tag } = await environment.read(app, { values: 'hidden' });
  const existing = new Set(value.data.map(({ name }) => name));
  const unknown = names.find((name) => !existing.has(name));
  if (unknown !== undefined)
    throw new Failure(`${app} has no variable ${sanitizeInline(unknown)}. Nothing was removed.`);
  await confirm(`Remove ${names.join(', ')} from the environment of ${app}?`, options.yes);
  await environment.update(app, Object.fromEntries(names.map((name) => [name, null])), { ifMatch: tag });
  if (options.json === true) await printJson(names.map((name) => ({ name, deleted: true })));
  else printNote(`Removed ${names.join(', ')} from the environment of ${app}.`, options);
}

/** Lists the versions of an environment, newest first: who changed which names. */
export async function listVersions(app: string, options: RemoteOptions & { limit: string }): Promise<void> {
  const versions = await takeFirst(
    connect(options).environment.versions(app).all(),
    parseCount('--limit', options.limit) ?? 50,
  );
  await printList<EnvVersion>(
    versions,
    [
      { title: 'VERSION', getValue: ({ version }) => version },
      { title: 'TIME', getValue: ({ at }) => showInstant(at, 'never') },
      { title: 'BY', getValue: ({ by }) => by.name ?? by.id ?? by.kind },
      { title: 'SET', getValue: ({ set }) => set.join(' ') },
      { title: 'REMOVED', getValue: ({ removed }) => removed.join(' ') },
      { title: 'RESTORED FROM', getValue: ({ restoredFrom }) => restoredFrom },
    ],
    options,
    ({ version }) => String(version),
  );
}

/** Restores the variables of an earlier version as a new version. */
export async function restoreVersion(
  app: string,
  version: string,
  options: RemoteOptions & { yes: true | undefined },
): Promise<void> {
  const number = parseCount('The version', version) ?? 0;
  const { environment } = connect(options);
  const { tag } = await environment.read(app, { values: 'hidden' });
  await confirm(`Restore the environment of ${app} to version ${number}?`, options.yes);
  const { value } = await environment.restore(app, number, { ifMatch: tag });
  const variables = value.data.map(({ name, updatedAt }) => ({ name, updatedAt }));
  if (options.json === true) await printJson(variables);
  else printNote(`Restored the environment of ${app} to version ${number}: ${variables.length} variables.`, options);
}
