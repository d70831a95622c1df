import type { CreateScriptInput, Script, UpdateScriptInput } from '../../contract/scripts.ts';
import { RESOURCE_LIMITS } from '../../contract/words.ts';
import { wholeNumberProblem } from '../apps/apps.ts';
import { lengthOf, nameProblem, newSlugProblem } from '../rules.ts';

export interface ParameterValues {
  /** Tells fields apart while their names are typed. */
  readonly key: string;
  readonly name: string;
  readonly pattern: string;
  readonly default: string;
  /** Whether a run must give a value. */
  readonly needed: boolean;
}

export type ScriptValues = {
  readonly name: string;
  readonly slug: string;
  readonly description: string;
  readonly body: string;
  readonly interpreter: string;
  readonly serverId: string;
  readonly runAs: string;
  readonly timeoutSeconds: number | string;
  readonly parameters: readonly ParameterValues[];
  readonly schedule: string;
};

export const NEW_SCRIPT: ScriptValues = {
  name: '',
  slug: '',
  description: '',
  body: 'set -eu\n',
  interpreter: '/bin/sh',
  serverId: '',
  runAs: '',
  timeoutSeconds: 600,
  parameters: [],
  schedule: '',
};

let made = 0;
export const newParameter = (): ParameterValues => ({
  key: `parameter-${made++}`,
  name: '',
  pattern: '',
  default: '',
  needed: true,
});

export function valuesOf(script: Script): ScriptValues {
  return {
    name: script.name,
    slug: script.slug,
    description: script.description ?? '',
    body: script.body,
    interpreter: script.interpreter,
    serverId: script.serverId,
    runAs: script.runAs ?? '',
    timeoutSeconds: script.timeoutSeconds,
    parameters: script.parameters.map((one) => ({
      key: `parameter-${made++}`,
      name: one.name,
      pattern: one.pattern ?? '',
      default: one.default ?? '',
      needed: one.default === null,
    })),
    schedule: script.schedule ?? '',
  };
}

function parameterNameProblem(name: string, { parameters }: ScriptValues): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.trim())) return 'Takes A–Z, a–z, 0–9 and _, not beginning with a digit';
  const same = parameters.filter((one) => one.name.trim() === name.trim());
  return same.length === 1 ? null : 'Each parameter has a name of its own';
}

export const SCRIPT_RULES = {
  name: nameProblem,
  slug: newSlugProblem,
  description: (text: string) =>
    lengthOf(text.trim()) > RESOURCE_LIMITS.scriptDescription
      ? `A description takes up to ${RESOURCE_LIMITS.scriptDescription} characters`
      : null,
  body: (body: string) =>
    body.trim() === ''
      ? 'Takes the text of a script'
      : body.length > RESOURCE_LIMITS.scriptBody
        ? `Takes up to ${RESOURCE_LIMITS.scriptBody.toLocaleString('en')} characters`
        : null,
  interpreter: (path: string) => (path.trim().startsWith('/') ? null : 'Takes an absolute path, such as /bin/sh'),
  serverId: (id: string) => (id === '' ? 'Choose the server that it runs on' : null),
  timeoutSeconds: (seconds: number | string) => wholeNumberProblem(seconds, RESOURCE_LIMITS.scriptTimeout),
  parameters: { name: parameterNameProblem },
};

/** Where the server's refusal of a parameter is shown: at its fields. */
export const parameterFields = ({ parameters }: ScriptValues): Readonly<Record<string, string>> =>
  Object.fromEntries(
    parameters.flatMap((_, at) =>
      ['name', 'pattern', 'default'].map((part) => [`parameters.${at}.${part}`, `parameters.${at}.${part}`]),
    ),
  );

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

/** The whole script as the API takes it. */
function fieldsOf(values: ScriptValues): Required<UpdateScriptInput> {
  return {
    name: values.name.trim(),
    description: orNull(values.description),
    body: values.body,
    interpreter: values.interpreter.trim(),
    serverId: values.serverId,
    runAs: orNull(values.runAs),
    timeoutSeconds: Number(values.timeoutSeconds),
    parameters: values.parameters.map(({ name, pattern, default: standard, needed }) => ({
      name: name.trim(),
      pattern: pattern === '' ? null : pattern,
      default: needed ? null : standard,
    })),
    schedule: orNull(values.schedule),
  };
}

export function wishOf(values: ScriptValues): CreateScriptInput {
  const { name, body, serverId, ...rest } = fieldsOf(values);
  return { name, body, serverId, ...rest, ...(values.slug !== '' && { slug: values.slug }) };
}

/** Only what was changed: what a colleague changes meanwhile is not overwritten. Pure. */
export function scriptChanges(before: Script, values: ScriptValues): UpdateScriptInput {
  const was = fieldsOf(valuesOf(before));
  return Object.fromEntries(
    Object.entries(fieldsOf(values)).filter(([field, value]) => {
      return JSON.stringify(value) !== JSON.stringify(was[field as keyof typeof was]);
    }),
  );
}

export const SCRIPT_LABELS: Readonly<Record<string, string>> = {
  name: 'Name',
  description: 'Description',
  body: 'Body',
  interpreter: 'Interpreter',
  serverId: 'Server',
  runAs: 'User',
  timeoutSeconds: 'Time limit',
  parameters: 'Parameters',
  schedule: 'Schedule',
};
