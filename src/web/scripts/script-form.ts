import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { ScriptOverlap } from '../../contract/platform-vocabulary.ts';
import type { CreateScriptInput, Script, UpdateScriptInput } from '../../contract/scripts.ts';
import { isTimeZone } from '../../contract/time-zone.ts';
import { emptyToNull } from '../form-values.ts';
import { countCodePoints, validateInteger, validateName, validateNewSlug } from '../validation.ts';
import { strings } from './strings.ts';

export interface ParameterFormValues {
  /** Identifies the parameter within the form, where its name can change. */
  readonly key: string;
  readonly name: string;
  readonly pattern: string;
  readonly default: string;
  readonly isRequired: boolean;
}

export type ScriptFormValues = {
  readonly name: string;
  readonly slug: string;
  readonly description: string;
  readonly body: string;
  readonly interpreter: string;
  readonly serverId: string;
  readonly appId: string;
  readonly runAs: string;
  readonly timeoutSeconds: number | string;
  readonly parameters: readonly ParameterFormValues[];
  readonly schedule: string;
  readonly timeZone: string;
  readonly overlap: ScriptOverlap;
  readonly keepRuns: number | string;
};

export const NEW_SCRIPT_VALUES: ScriptFormValues = {
  name: '',
  slug: '',
  description: '',
  body: 'set -eu\n',
  interpreter: '/bin/sh',
  serverId: '',
  appId: '',
  runAs: '',
  timeoutSeconds: 600,
  parameters: [],
  schedule: '',
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  overlap: 'skip',
  keepRuns: RESOURCE_LIMITS.keepRuns.max,
};

let lastParameterKey = 0;
const createParameterKey = (): string => `parameter-${++lastParameterKey}`;

export const newParameter = (): ParameterFormValues => ({
  key: createParameterKey(),
  name: '',
  pattern: '',
  default: '',
  isRequired: true,
});

export function toFormValues(script: Script): ScriptFormValues {
  return {
    name: script.name,
    slug: script.slug,
    description: script.description ?? '',
    body: script.body,
    interpreter: script.interpreter,
    serverId: script.serverId,
    appId: script.appId ?? '',
    runAs: script.runAs ?? '',
    timeoutSeconds: script.timeoutSeconds,
    parameters: script.parameters.map((parameter) => ({
      key: createParameterKey(),
      name: parameter.name,
      pattern: parameter.pattern ?? '',
      default: parameter.default ?? '',
      isRequired: parameter.default === null,
    })),
    schedule: script.schedule ?? '',
    timeZone: script.timeZone,
    overlap: script.overlap,
    keepRuns: script.keepRuns,
  };
}

function validateParameterName(name: string, { parameters }: ScriptFormValues): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.trim())) return strings.scriptForm.parameterNameInvalid;
  const sameName = parameters.filter((parameter) => parameter.name.trim() === name.trim());
  return sameName.length === 1 ? null : strings.scriptForm.parameterNameTaken;
}

function validateBody(body: string): string | null {
  if (body.trim() === '') return strings.scriptForm.bodyMissing;
  const max = RESOURCE_LIMITS.scriptBody;
  return body.length > max ? strings.scriptForm.bodyTooLong(max.toLocaleString('en')) : null;
}

export const SCRIPT_RULES = {
  name: validateName,
  slug: validateNewSlug,
  description: (text: string) =>
    countCodePoints(text.trim()) > RESOURCE_LIMITS.scriptDescription
      ? strings.scriptForm.descriptionTooLong(RESOURCE_LIMITS.scriptDescription)
      : null,
  body: validateBody,
  interpreter: (path: string) => (path.trim().startsWith('/') ? null : strings.scriptForm.interpreterInvalid),
  serverId: (id: string) => (id === '' ? strings.scriptForm.serverMissing : null),
  timeZone: (name: string) => (isTimeZone(name.trim()) ? null : strings.scriptForm.timeZoneInvalid),
  timeoutSeconds: (seconds: number | string) => validateInteger(seconds, RESOURCE_LIMITS.scriptTimeout),
  keepRuns: (count: number | string) => validateInteger(count, RESOURCE_LIMITS.keepRuns),
  parameters: { name: validateParameterName },
};

/**
 * Returns the `errorFields` of `useSubmit` for the parameters. Paths such as `parameters.0.name` are the same in the
 * API and the form, but are listed because errors at nested paths that are not listed are shown at the first path
 * segment.
 */
export const parameterErrorFields = ({ parameters }: ScriptFormValues): Readonly<Record<string, string>> =>
  Object.fromEntries(
    parameters.flatMap((_, index) =>
      ['name', 'pattern', 'default'].map((field) => [`parameters.${index}.${field}`, `parameters.${index}.${field}`]),
    ),
  );

/** Converts the form to the API's fields. */
export function toRequestFields(values: ScriptFormValues): Required<UpdateScriptInput> {
  return {
    name: values.name.trim(),
    description: emptyToNull(values.description),
    body: values.body,
    interpreter: values.interpreter.trim(),
    serverId: values.serverId,
    appId: emptyToNull(values.appId),
    runAs: emptyToNull(values.runAs),
    timeoutSeconds: Number(values.timeoutSeconds),
    parameters: values.parameters.map(({ name, pattern, default: defaultValue, isRequired }) => ({
      name: name.trim(),
      pattern: pattern === '' ? null : pattern,
      default: isRequired ? null : defaultValue,
    })),
    schedule: emptyToNull(values.schedule),
    timeZone: values.timeZone.trim(),
    overlap: values.overlap,
    keepRuns: Number(values.keepRuns),
  };
}

export function toCreateRequest(values: ScriptFormValues): CreateScriptInput {
  return { ...toRequestFields(values), ...(values.slug !== '' && { slug: values.slug }) };
}

export const SCRIPT_LABELS: Readonly<Record<string, string>> = strings.scriptForm.fieldLabels;
