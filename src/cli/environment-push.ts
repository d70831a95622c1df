import { ENV_NAME, parseDotenv } from '../contract/dotenv.ts';
import type { EnvVariable } from '../contract/environment.ts';
import type { EnvOwnerKind } from '../contract/platform-vocabulary.ts';
import type { RemoteOptions } from './connect.ts';
import { type AppOrProjectOptions, connectToEnvironment } from './environment.ts';
import { Failure } from './failure.ts';
import { readFileOrStdin } from './files.ts';
import { confirm, parseChoice } from './input.ts';
import { printJson, printNote, sanitizeInline } from './output.ts';

export interface PushOptions extends AppOrProjectOptions {
  readonly format: string | undefined;
  readonly prune: true | undefined;
  readonly dryRun: true | undefined;
  readonly yes: true | undefined;
}

/**
 * The names of all variables, except inherited ones that are not in the file, grouped by what a push would do with
 * them.
 */
export interface EnvironmentDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  /** Variables that are not in the file, but are not removed because `--prune` is not set. */
  readonly kept: readonly string[];
}

/**
 * Compares the current variables with the variables of a file. Inherited variables are never removed, and an inherited
 * variable with the same value as in the file stays inherited. Pure.
 */
export function diffVariables(
  existing: readonly EnvVariable[],
  desired: ReadonlyMap<string, string>,
  prune: boolean,
  appOrProject: EnvOwnerKind,
): EnvironmentDiff {
  const existingValues = new Map(existing.map(({ name, value }) => [name, value]));
  const names = [...desired.keys()];
  const missing = existing
    .filter(({ name, from }) => from === appOrProject && !desired.has(name))
    .map(({ name }) => name);
  return {
    added: names.filter((name) => !existingValues.has(name)),
    changed: names.filter((name) => existingValues.has(name) && existingValues.get(name) !== desired.get(name)),
    removed: prune ? missing : [],
    unchanged: names.filter((name) => existingValues.get(name) === desired.get(name)),
    kept: prune ? [] : missing,
  };
}

function parseJsonVariables(text: string, file: string): ReadonlyMap<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The text contains secret values, and the message of JSON.parse quotes it.
    throw new Failure(`${file} is not valid JSON.`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Failure(`${file} must contain one JSON object of names and values.`);
  }
  const values = Object.entries(parsed);
  const invalid = values.find(([name, value]) => !ENV_NAME.test(name) || typeof value !== 'string');
  if (invalid !== undefined)
    throw new Failure(`${file}: ${sanitizeInline(invalid[0])} must be a valid variable name with a string value.`);
  return new Map(values as [string, string][]);
}

function parseDotenvVariables(text: string, file: string): ReadonlyMap<string, string> {
  const parsed = parseDotenv(text);
  if (!parsed.ok) throw new Failure(`${file}, line ${parsed.line}: ${parsed.message}.`);
  return parsed.values;
}

function formatOf(file: string, format: string | undefined): 'dotenv' | 'json' {
  if (format !== undefined) return parseChoice('--format', format, ['dotenv', 'json']);
  return /\.json$/i.test(file) ? 'json' : 'dotenv';
}

const VALUE_MASK = '••••••••';

/** Prints the names of the variables that would change, with masked values. */
function printDiff({ added, changed, removed, kept }: EnvironmentDiff, options: RemoteOptions): void {
  for (const name of added) printNote(`+ ${name}=${VALUE_MASK}`, options);
  for (const name of changed) printNote(`~ ${name}=${VALUE_MASK}`, options);
  for (const name of removed) printNote(`- ${name}`, options);
  if (kept.length > 0) {
    printNote(`Variables that are not in the file are kept (remove them with --prune): ${kept.join(', ')}`, options);
  }
}

/**
 * Sets the variables of an app or project from a file: either all of them or none, and only if no variable was modified
 * since the diff was computed.
 */
export async function pushVariables(appOrProject: string, file: string, options: PushOptions): Promise<void> {
  const fileLabel = file === '-' ? 'Standard input' : file;
  const text = await readFileOrStdin(file);
  const format = formatOf(file, options.format);
  const desired = format === 'json' ? parseJsonVariables(text, fileLabel) : parseDotenvVariables(text, fileLabel);
  const environment = connectToEnvironment(options);
  const { value, tag: etag } = await environment.read(appOrProject, { values: 'shown' });
  const diff = diffVariables(value.data, desired, options.prune === true, options.project === true ? 'project' : 'app');
  const { added, changed, removed } = diff;
  const count = added.length + changed.length + removed.length;
  const printResult = async (applied: boolean) => {
    if (options.json === true) await printJson({ ...diff, applied });
  };
  printDiff(diff, options);
  if (count === 0) {
    printNote(`The environment of ${appOrProject} is already up to date.`, options);
    return printResult(false);
  }
  if (options.dryRun === true) return printResult(false);
  await confirm(
    `Change the environment of ${appOrProject}: ${added.length} added, ${changed.length} changed, ${removed.length} removed?`,
    options.yes,
  );
  const body = Object.fromEntries([
    ...[...added, ...changed].map((name) => [name, desired.get(name) ?? ''] as const),
    ...removed.map((name) => [name, null] as const),
  ]);
  await environment.update(appOrProject, body, { ifMatch: etag });
  printNote(`Updated the environment of ${appOrProject}. The changes take effect with the next deployment.`, options);
  return printResult(true);
}
