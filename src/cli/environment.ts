import { isControlVariable } from '../contract/control-variables.ts';
import { ENV_NAME, ENV_NAME_MESSAGE } from '../contract/dotenv.ts';
import { writeEnvFile } from '../contract/env-formats.ts';
import type { EnvVariable, EnvVersion } from '../contract/environment.ts';
import { ENV_FILE_FORMATS, type EnvFileFormat } from '../contract/platform-vocabulary.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { writePrivateFile } from './files.ts';
import { cancelledFailure, confirm, isInteractive, parseChoice, parseCount, readStdin } from './input.ts';
import { formatInstant, print, printJson, printList, printNote, sanitizeInline, takeFirst } from './output.ts';

/** Options of a command for the variables of an app, or of a project with `--project`. */
export interface AppOrProjectOptions extends RemoteOptions {
  readonly project: true | undefined;
}

/** Returns the API for the variables of apps or, with `--project`, of projects. */
export function connectToEnvironment(options: AppOrProjectOptions) {
  const { environment, projectEnvironment } = connect(options);
  return options.project === true ? projectEnvironment : environment;
}

/** Lists the names of the variables of an app or a project, without requesting their values. */
export async function listVariables(appOrProject: string, options: AppOrProjectOptions): Promise<void> {
  const { value } = await connectToEnvironment(options).read(appOrProject, { values: 'hidden' });
  await printList<EnvVariable>(
    value.data,
    [
      { title: 'NAME', getValue: ({ name }) => name },
      { title: 'UPDATED', getValue: ({ updatedAt }) => formatInstant(updatedAt, 'never') },
      { title: 'FROM', getValue: ({ from }) => from },
    ],
    options,
    ({ name }) => name,
  );
}

/** Formats the variables. Throws if the format cannot represent a value. */
function formatFile(format: EnvFileFormat, variables: readonly (readonly [string, string])[]): string {
  const file = writeEnvFile(format, variables);
  if (file.ok) return file.text;
  throw new Failure(`The format ${format} cannot represent the value of ${file.name}: it ${file.reason}.`);
}

export interface PullOptions extends AppOrProjectOptions {
  readonly format: string;
  readonly output: string | undefined;
}

/** Prints the variables to standard output, or writes them to a file of mode 0600. */
export async function pullVariables(appOrProject: string, options: PullOptions): Promise<void> {
  const format = parseChoice('--format', options.format, [...ENV_FILE_FORMATS, 'json']);
  const { value } = await connectToEnvironment(options).read(appOrProject, { values: 'shown' });
  const variables = value.data.map(({ name, value: text }) => [name, text ?? ''] as const);
  const text =
    format === 'json' ? `${JSON.stringify(Object.fromEntries(variables), null, 2)}\n` : formatFile(format, variables);
  if (options.output === undefined) return print(text);
  writePrivateFile(options.output, text);
  printNote(`Wrote ${variables.length} variables to ${options.output}, readable only by you.`, options);
}

/** Reads the value of a variable: from standard input without its final newline, or from a prompt without echo. */
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
  appOrProject: string,
  nameArgument: string,
  options: AppOrProjectOptions & { empty: true | undefined },
): Promise<void> {
  const name = nameArgument.replace(/=-$/, '');
  if (name.includes('=')) {
    throw new Failure('A value on the command line is saved in shell history. Use NAME=- and pipe it in.');
  }
  if (!ENV_NAME.test(name)) {
    throw new Failure(`A variable name ${ENV_NAME_MESSAGE}.`);
  }
  const environment = connectToEnvironment(options);
  const variable = await environment.set(
    appOrProject,
    name,
    options.empty === true ? '' : await readVariableValue(name),
  );
  if (options.json === true) await printJson({ name: variable.name, updatedAt: variable.updatedAt });
  else printNote(`Set ${variable.name} of ${appOrProject}.`, options);
  if (isControlVariable(variable.name))
    printNote(`${variable.name} is written to .env only; it is not passed to commands of the app.`, options);
}

/** Removes variables: either all that are named or none. */
export async function unsetVariables(
  appOrProject: string,
  names: readonly string[],
  options: AppOrProjectOptions & { yes: true | undefined },
): Promise<void> {
  const environment = connectToEnvironment(options);
  const { value, tag: etag } = await environment.read(appOrProject, { values: 'hidden' });
  const sources = new Map(value.data.map(({ name, from }) => [name, from]));
  const unknownName = names.find((name) => !sources.has(name));
  if (unknownName !== undefined)
    throw new Failure(`${appOrProject} has no variable ${sanitizeInline(unknownName)}. Nothing was removed.`);
  const inheritedName = options.project === true ? undefined : names.find((name) => sources.get(name) === 'project');
  if (inheritedName !== undefined)
    throw new Failure(
      `${appOrProject} inherits ${inheritedName} from its project. Remove it there, with --project. Nothing was removed.`,
    );
  await confirm(`Remove ${names.join(', ')} from the environment of ${appOrProject}?`, options.yes);
  await environment.update(appOrProject, Object.fromEntries(names.map((name) => [name, null])), { ifMatch: etag });
  if (options.json === true) await printJson(names.map((name) => ({ name, deleted: true })));
  else printNote(`Removed ${names.join(', ')} from the environment of ${appOrProject}.`, options);
}

/** Lists the versions of an environment, newest first: who changed which variables, and when. */
export async function listVersions(
  appOrProject: string,
  options: AppOrProjectOptions & { limit: string },
): Promise<void> {
  const versions = await takeFirst(
    connectToEnvironment(options).versions(appOrProject).all(),
    parseCount('--limit', options.limit),
  );
  await printList<EnvVersion>(
    versions,
    [
      { title: 'VERSION', getValue: ({ version }) => version },
      { title: 'TIME', getValue: ({ at }) => formatInstant(at, 'never') },
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
  appOrProject: string,
  version: string,
  options: AppOrProjectOptions & { yes: true | undefined },
): Promise<void> {
  const versionNumber = parseCount('The version', version);
  const environment = connectToEnvironment(options);
  const { tag: etag } = await environment.read(appOrProject, { values: 'hidden' });
  await confirm(`Restore the environment of ${appOrProject} to version ${versionNumber}?`, options.yes);
  const { value } = await environment.restore(appOrProject, versionNumber, { ifMatch: etag });
  const variables = value.data.map(({ name, updatedAt }) => ({ name, updatedAt }));
  if (options.json === true) await printJson(variables);
  else
    printNote(
      `Restored the environment of ${appOrProject} to version ${versionNumber}: ${variables.length} variables.`,
      options,
    );
}
