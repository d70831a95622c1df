import { ENV_NAME, parseDotenv } from '../contract/dotenv.ts';
import type { EnvVariable } from '../contract/environment.ts';
import { type Common, connect } from './connect.ts';
import { type EnvFormat, readFormat } from './environment.ts';
import { Failure } from './failure.ts';
import { readGiven } from './files.ts';
import { confirm } from './input.ts';
import { note, plain, printJson } from './output.ts';

export interface PushOptions extends Common {
  readonly format?: string;
  readonly prune?: true;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** What a push would do, by names. */
export interface Difference {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  /** There, not in the file, and left as they are. */
  readonly kept: readonly string[];
}

/** Compares what is there with what a file says. Pure. */
export function compare(
  there: readonly EnvVariable[],
  wanted: ReadonlyMap<string, string>,
  prune: boolean,
): Difference {
  const before = new Map(there.map(({ name, value }) => [name, value]));
  const names = [...wanted.keys()];
  const lacking = [...before.keys()].filter((name) => !wanted.has(name));
  return {
    added: names.filter((name) => !before.has(name)),
    changed: names.filter((name) => before.has(name) && before.get(name) !== wanted.get(name)),
    removed: prune ? lacking : [],
    unchanged: names.filter((name) => before.get(name) === wanted.get(name)),
    kept: prune ? [] : lacking,
  };
}

function fromJson(text: string, file: string): ReadonlyMap<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The text itself is secret: what JSON.parse says of it is not passed on.
    throw new Failure(`${file} is not JSON.`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Failure(`${file} takes one object of names and values.`);
  }
  const values = Object.entries(parsed);
  const wrong = values.find(([name, value]) => !ENV_NAME.test(name) || typeof value !== 'string');
  if (wrong !== undefined) throw new Failure(`${file}: ${plain(wrong[0])} takes a variable's name and a text.`);
  return new Map(values as [string, string][]);
}

function fromDotenv(text: string, file: string): ReadonlyMap<string, string> {
  const parsed = parseDotenv(text);
  if (!parsed.ok) throw new Failure(`${file}, line ${parsed.line}: ${parsed.message}.`);
  return parsed.values;
}

const formatOf = (file: string, format: string | undefined): EnvFormat =>
  format === undefined ? (/\.json$/i.test(file) ? 'json' : 'dotenv') : readFormat(format);

const MASK = '••••••••';

/** Names what becomes of each; values stay hidden. */
function show({ added, changed, removed, kept }: Difference, options: Common): void {
  for (const name of added) note(`+ ${name}=${MASK}`, options);
  for (const name of changed) note(`~ ${name}=${MASK}`, options);
  for (const name of removed) note(`- ${name}`, options);
  if (kept.length > 0) {
    note(`${kept.length} that the file lacks stay; --prune removes them: ${kept.join(', ')}`, options);
  }
}

/** Sets what a file says, all or nothing, and only if nobody changed it since the differences were shown. */
export async function pushVariables(app: string, file: string, options: PushOptions): Promise<void> {
  const name = file === '-' ? 'Standard input' : file;
  const text = await readGiven(file);
  const wanted = formatOf(file, options.format) === 'json' ? fromJson(text, name) : fromDotenv(text, name);
  const { environment } = connect(options);
  const { value, tag } = await environment.read(app, { values: 'shown' });
  const difference = compare(value.data, wanted, options.prune === true);
  const { added, changed, removed } = difference;
  const count = added.length + changed.length + removed.length;
  const answer = async (applied: boolean) => {
    if (options.json === true) await printJson({ ...difference, applied });
  };
  show(difference, options);
  if (count === 0) {
    note(`The environment of ${app} is as the file says.`, options);
    return answer(false);
  }
  if (options.dryRun === true) return answer(false);
  await confirm(
    `Change the environment of ${app}: ${added.length} added, ${changed.length} changed, ${removed.length} removed?`,
    options.yes,
  );
  const body = Object.fromEntries([
    ...[...added, ...changed].map((one) => [one, wanted.get(one) ?? ''] as const),
    ...removed.map((one) => [one, null] as const),
  ]);
  await environment.update(app, body, { ifMatch: tag });
  note(`The environment of ${app} is changed. A release gets it at its next deployment.`, options);
  return answer(true);
}
