import type { CreateScriptInput, Script, UpdateScriptInput } from '../contract/scripts.ts';
import type { ScriptListQuery } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { readFileOrStdin } from './files.ts';
import { parseCount } from './input.ts';
import { formatInstant, printList } from './output.ts';
import { type BodyOptions, definedFields, resourceCommandsFor } from './resources.ts';

function formatParameter({ name, pattern, default: value }: Script['parameters'][number]): string {
  return `${name}${pattern === null ? '' : ` /${pattern}/`}${value === null ? '' : ` = ${value}`}`;
}

export const scripts = resourceCommandsFor<Script, ScriptListQuery, CreateScriptInput, UpdateScriptInput>({
  noun: 'script',
  deleteWarning: 'All versions are deleted too. Runs and their logs are kept.',
  endpoint: (client) => client.scripts,
  columns: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'SLUG', getValue: ({ slug }) => slug },
    { title: 'NAME', getValue: ({ name }) => name },
    { title: 'APP', getValue: ({ appId }) => appId },
    { title: 'SERVER', getValue: ({ serverId }) => serverId },
    { title: 'VERSION', getValue: ({ version }) => version },
    { title: 'SCHEDULE', getValue: ({ schedule }) => schedule },
    { title: 'NEXT RUN', getValue: ({ nextRunAt }) => formatInstant(nextRunAt, '') },
  ],
  detailFields: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'Name', getValue: ({ name }) => name },
    { title: 'Slug', getValue: ({ slug }) => slug },
    { title: 'Description', getValue: ({ description }) => description },
    { title: 'App', getValue: ({ appId }) => appId },
    { title: 'Server', getValue: ({ serverId }) => serverId },
    { title: 'Interpreter', getValue: ({ interpreter }) => interpreter },
    { title: 'Run as', getValue: ({ runAs }) => runAs },
    { title: 'Time limit', getValue: ({ timeoutSeconds }) => `${timeoutSeconds} s` },
    { title: 'Parameters', getValue: ({ parameters }) => parameters.map(formatParameter).join(', ') || null },
    { title: 'Schedule', getValue: ({ schedule }) => schedule },
    { title: 'Time zone', getValue: ({ schedule, timeZone }) => (schedule === null ? null : timeZone) },
    { title: 'Overlap', getValue: ({ schedule, overlap }) => (schedule === null ? null : overlap) },
    { title: 'Next run', getValue: ({ nextRunAt }) => nextRunAt },
    { title: 'Runs kept', getValue: ({ keepRuns }) => keepRuns },
    { title: 'Version', getValue: ({ version }) => version },
    { title: 'Updated', getValue: ({ updatedAt }) => updatedAt },
  ],
});

export interface ScriptOptions extends BodyOptions {
  readonly name: string | undefined;
  readonly slug: string | undefined;
  readonly description: string | undefined;
  readonly app: string | undefined;
  readonly server: string | undefined;
  readonly body: string | undefined;
  readonly interpreter: string | undefined;
  readonly runAs: string | undefined;
  readonly timeout: string | undefined;
  readonly schedule: string | undefined;
  readonly timeZone: string | undefined;
  readonly overlap: string | undefined;
  readonly keepRuns: string | undefined;
  readonly param: readonly string[] | undefined;
  readonly pattern: readonly string[] | undefined;
}

function splitAssignment(text: string): [name: string, value: string | null] {
  const separator = text.indexOf('=');
  return separator === -1 ? [text, null] : [text.slice(0, separator), text.slice(separator + 1)];
}

/** Parses `--param NAME`, `--param NAME=DEFAULT`, and the optional `--pattern NAME=PATTERN` for a parameter. */
function parseParameters({ param, pattern = [] }: ScriptOptions) {
  const patterns = new Map(pattern.map(splitAssignment));
  const names = new Set((param ?? []).map((text) => splitAssignment(text)[0]));
  const undeclaredName = [...patterns.keys()].find((name) => !names.has(name));
  if (undeclaredName !== undefined) throw new Failure(`--pattern names ${undeclaredName}, but no --param declares it.`);
  return param?.map((text) => {
    const [name, value] = splitAssignment(text);
    return { name, pattern: patterns.get(name) ?? null, default: value };
  });
}

/** Returns the fields of a script that the options set; the body is read from a file. */
export async function scriptFields(options: ScriptOptions): Promise<object> {
  const { name, slug, description, app, server, interpreter, runAs, schedule, timeZone, overlap } = options;
  const timeoutSeconds = parseCount('--timeout', options.timeout);
  const keepRuns = parseCount('--keep-runs', options.keepRuns);
  const parameters = parseParameters(options);
  return {
    ...definedFields({ name, slug, description, appId: app, serverId: server, interpreter, runAs }),
    ...definedFields({ schedule, timeZone, overlap }),
    ...(options.body !== undefined && { body: await readFileOrStdin(options.body) }),
    ...(keepRuns !== undefined && { keepRuns }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(parameters !== undefined && { parameters }),
  };
}

/** Lists the next times at which the schedule runs the script. */
export async function listNextRuns(script: string, options: RemoteOptions): Promise<void> {
  const { data } = await connect(options).scripts.nextRuns(script);
  await printList<{ at: string }>(
    data.map((at) => ({ at })),
    [{ title: 'TIME', getValue: ({ at }) => formatInstant(at, '') }],
    options,
    ({ at }) => at,
  );
}
