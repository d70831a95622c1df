import { WORKLOAD_LIMITS } from '../../contract/token-exchange-limits.ts';
import { SCOPES, type Scope } from '../../contract/vocabulary.ts';
import type { CreateWorkloadIdentity, WorkloadIdentity } from '../../contract/workload-identities.ts';
import { identificationProblem, issuerUrlProblem, type WorkloadProvider } from '../../contract/workload-issuers.ts';
import { workloadPreset } from '../../contract/workload-presets.ts';
import { capitalize } from '../components/format.ts';
import {
  type RestrictionValues,
  toRestrictions,
  toRestrictionValues,
  UNRESTRICTED,
  validateAddresses,
  validateMaxUses,
  validateRate,
  validateResources,
} from '../restrictions/restriction-values.ts';
import { validateName } from '../validation.ts';
import { strings } from './strings.ts';

export type IdentityFormValues = RestrictionValues & {
  readonly name: string;
  readonly provider: WorkloadProvider;
  readonly subject: string;
  readonly branch: string;
  readonly environment: string;
  readonly workflow: string;
  readonly repositoryId: string;
  readonly issuer: string;
  readonly jwksUrl: string;
  /** One `claim=value` per line. */
  readonly conditions: string;
  readonly scopes: readonly string[];
  readonly lifetimeMinutes: number | string;
};

export const NEW_IDENTITY_VALUES: IdentityFormValues = {
  name: '',
  provider: 'github',
  subject: '',
  branch: 'main',
  environment: '',
  workflow: '',
  repositoryId: '',
  issuer: '',
  jwksUrl: '',
  conditions: '',
  scopes: [],
  lifetimeMinutes: 15,
  ...UNRESTRICTED,
};

const formatConditions = (conditions: Readonly<Record<string, string>>): string =>
  Object.entries(conditions)
    .map(([claim, value]) => `${claim}=${value}`)
    .join('\n');

/** Converts an identity to form values. Its conditions are edited as text, regardless of its provider. */
export const toFormValues = (identity: WorkloadIdentity): IdentityFormValues => ({
  ...NEW_IDENTITY_VALUES,
  provider: 'other',
  name: identity.name,
  issuer: identity.issuer,
  jwksUrl: identity.jwksUrl ?? '',
  conditions: formatConditions(identity.conditions),
  scopes: identity.scopes,
  lifetimeMinutes: identity.lifetimeSeconds / 60,
  ...toRestrictionValues(identity.restrictions),
});

/** Returns the conditions in a text, or null if there are none or a line is not `claim=value`. */
function parseConditions(text: string): Record<string, string> | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const matches = lines.map((line) => /^\s*([^=\s]+)=(.+)$/.exec(line));
  if (matches.length === 0 || matches.includes(null)) return null;
  return Object.fromEntries(matches.map((match) => [match?.[1] ?? '', match?.[2] ?? '']));
}

/** Returns the issuer, audience and conditions of the form. An undefined audience means Devpilot's URL. */
export function toTrust(values: IdentityFormValues) {
  const { provider, issuer, conditions } = values;
  if (provider === 'other')
    return { issuer: issuer.trim(), audience: undefined, conditions: parseConditions(conditions) ?? {} };
  const preset = workloadPreset(provider, {
    subject: values.subject.trim(),
    branch: values.branch.trim(),
    environment: values.environment.trim(),
    workflow: values.workflow.trim(),
    repositoryId: values.repositoryId.trim(),
    issuer: issuer.trim(),
  });
  return { issuer: preset.issuer, audience: preset.audience ?? undefined, conditions: preset.conditions };
}

/** Converts the form to the fields that can be changed here. The audience is sent only on creation. */
export function toRequestFields(values: IdentityFormValues) {
  const { issuer, conditions } = toTrust(values);
  return {
    name: values.name.trim(),
    issuer,
    jwksUrl: values.jwksUrl.trim() === '' ? null : values.jwksUrl.trim(),
    conditions: { ...conditions },
    scopes: SCOPES.filter((scope) => values.scopes.includes(scope)) as Scope[],
    lifetimeSeconds: Math.round(Number(values.lifetimeMinutes) * 60),
    restrictions: toRestrictions(values),
  };
}

export function toCreateRequest(values: IdentityFormValues): CreateWorkloadIdentity {
  const { audience } = toTrust(values);
  return { ...toRequestFields(values), ...(audience !== undefined && { audience }) };
}

function validateUrl(text: string): string | null {
  const problem = issuerUrlProblem(text.trim());
  return problem === null ? null : capitalize(problem);
}

function validateIssuer(text: string, { provider }: IdentityFormValues): string | null {
  if (text.trim() !== '') return validateUrl(text);
  return provider === 'other' || provider === 'kubernetes' ? strings.fields.issuerMissing : null;
}

function validateConditions(text: string, { provider, issuer }: IdentityFormValues): string | null {
  if (provider !== 'other') return null;
  const conditions = parseConditions(text);
  if (conditions === null) return strings.fields.conditionsInvalid;
  const problem = identificationProblem(issuer.trim(), conditions);
  return problem === null ? null : capitalize(problem);
}

export const IDENTITY_RULES = {
  name: validateName,
  // Two names with a slash between them. The second can contain more slashes, as in nested groups of GitLab.
  subject: (text: string, { provider }: IdentityFormValues) =>
    provider === 'other' || /^[^/*\s]+\/[^*\s]+$/.test(text.trim()) ? null : strings.fields.subjectInvalid,
  issuer: validateIssuer,
  jwksUrl: (text: string) => (text.trim() === '' ? null : validateUrl(text)),
  conditions: validateConditions,
  scopes: (scopes: readonly string[]) => (scopes.length === 0 ? strings.fields.scopesMissing : null),
  lifetimeMinutes: (minutes: number | string) => {
    const seconds = Number(minutes) * 60;
    const { min, max } = WORKLOAD_LIMITS.lifetimeSeconds;
    return minutes !== '' && seconds >= min && seconds <= max ? null : strings.fields.lifetimeInvalid;
  },
  addresses: (text: string | null) => validateAddresses(text, { isRequired: false }),
  resources: validateResources,
  rate: validateRate,
  maxUses: validateMaxUses,
};
