import type { CreateScriptInput, Script, UpdateScriptInput } from '../contract/scripts.ts';
import type { ScriptListQuery } from '../sdk/client.ts';
import { Failure } from './failure.ts';
import { readGiven } from './files.ts';
import { readCount } from './input.ts';
import { showInstant } from './output.ts';
import { type BodyOptions, commandsOf, given } from './resources.ts';

function parameterOf({ name, pattern, default: value }: Script['parameters'][number]): string {
  return `${name}${pattern === null ? '' : ` /${pattern}/`}${value === null ? '' : ` = ${value}`}`;
}

export const scripts = commandsOf<Script, ScriptListQuery, CreateScriptInput, UpdateScriptInput>({
  noun: 'script',
  loss: 'Its versions and runs go with it.',
  of: (client) => client.scripts,
  columns: [
    { title: 'ID', of: ({ id }) => id },
    { title: 'SLUG', of: ({ slug }) => slug },
    { title: 'NAME', of: ({ name }) => name },
    { title: 'SERVER', of: ({ serverId }) => serverId },
    { title: 'VERSION', of: ({ version }) => version },
    { title: 'SCHEDULE', of: ({ schedule }) => schedule },
    { title: 'NEXT RUN', of: ({ nextRunAt }) => showInstant(nextRunAt, '') },
  ],
  facts: [
    { title: 'Id', of: ({ id }) => id },
    { title: 'Name', of: ({ name }) => name },
    { title: 'Slug', of: ({ slug }) => slug },
    { title: 'Description', of: ({ description }) => description },
    { title: 'Server', of: ({ serverId }) => serverId },
    { title: 'Interpreter', of: ({ interpreter }) => interpreter },
    { title: 'Runs as', of: ({ runAs }) => runAs },
    { title: 'Limit', of: ({ timeoutSeconds }) => `${timeoutSeconds} s` },
    { title: 'Parameters', of: ({ parameters }) => parameters.map(parameterOf).join(', ') || null },
    { title: 'Schedule', of: ({ schedule }) => schedule },
    { title: 'Next run', of: ({ nextRunAt }) => nextRunAt },
    { title: 'Version', of: ({ version }) => version },
    { title: 'Changed', of: ({ updatedAt }) => updatedAt },
  ],
});

export interface ScriptOptions extends BodyOptions {
  readonly name?: string;
  readonly slug?: string;
  readonly description?: string;
  readonly server?: string;
  readonly body?: string;
  readonly interpreter?: string;
  readonly runAs?: string;
  readonly timeout?: string;
  readonly schedule?: string;
  readonly param?: readonly string[];
  readonly pattern?: readonly string[];
}

function split(text: string): [name: string, rest: string | null] {
  const at = text.indexOf('=');
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** `--param NAME` and `--param NAME=DEFAULT`, with `--pattern NAME=PATTERN` for some of them. */
function parametersOf({ param, pattern = [] }: ScriptOptions) {
  const patterns = new Map(pattern.map(split));
  const names = new Set((param ?? []).map((text) => split(text)[0]));
  const stray = [...patterns.keys()].find((name) => !names.has(name));
  if (stray !== undefined) throw new Failure(`--pattern names ${stray}, which no --param does.`);
  return param?.map((text) => {
    const [name, value] = split(text);
    return { name, pattern: patterns.get(name) ?? null, default: value };
  });
}

/** The fields of a script that options name; its body is read from a file. */
export async function scriptFields(options: ScriptOptions): Promise<object> {
  const { name, slug, description, server, interpreter, runAs, schedule } = options;
  const timeoutSeconds = readCount('--timeout', options.timeout);
  const parameters = parametersOf(options);
  return {
    ...given({ name, slug, description, serverId: server, interpreter, runAs, schedule }),
    ...(options.body !== undefined && { body: await readGiven(options.body) }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(parameters !== undefined && { parameters }),
  };
}
