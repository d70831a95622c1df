import { Checkbox, NativeSelect, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { WORKLOAD_LIMITS } from '../../contract/token-exchange-limits.ts';
import { describeRight, SCOPES } from '../../contract/vocabulary.ts';
import { WORKLOAD_PROVIDERS, type WorkloadProvider } from '../../contract/workload-issuers.ts';
import { CodeInput, IntegerInput, NameInput, PlainTextInput } from '../components/fields.tsx';
import { FormSection } from '../components/form-section.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { RestrictionFields } from '../restrictions/restriction-fields.tsx';
import { ConditionList } from './condition-list.tsx';
import { type IdentityFormValues, toTrust } from './identity-form.ts';
import { strings } from './strings.ts';

type Form = UseFormReturnType<IdentityFormValues>;
const texts = strings.fields;
const optionalLabel = (label: string) => `${label} ${texts.optional}`;

/** The optional fields that further limit which of a provider's tokens are accepted. */
const LIMIT_FIELDS: Readonly<
  Record<WorkloadProvider, readonly ('branch' | 'environment' | 'workflow' | 'repositoryId')[]>
> = {
  github: ['branch', 'environment', 'workflow', 'repositoryId'],
  gitlab: ['branch', 'environment', 'repositoryId'],
  kubernetes: [],
  buildkite: ['branch'],
  circleci: ['branch'],
  other: [],
};

const LIMIT_PROPS = {
  branch: { label: optionalLabel(texts.branch), placeholder: texts.branchPlaceholder },
  environment: { label: optionalLabel(texts.environment), placeholder: texts.environmentPlaceholder },
  workflow: { label: optionalLabel(texts.workflow), placeholder: texts.workflowPlaceholder },
  repositoryId: { label: optionalLabel(texts.repositoryId), description: texts.repositoryIdHint },
};

function IssuerFields({ form }: { readonly form: Form }) {
  const { provider } = form.values;
  if (provider === 'circleci' || provider === 'buildkite') return null;
  const isRequired = provider === 'other' || provider === 'kubernetes';
  return (
    <>
      <PlainTextInput
        label={isRequired ? texts.issuer : optionalLabel(texts.issuer)}
        description={isRequired ? texts.issuerHint : texts.selfHostedIssuerHint}
        {...form.getInputProps('issuer')}
      />
      {isRequired && (
        <PlainTextInput
          label={optionalLabel(texts.jwksUrl)}
          description={texts.jwksUrlHint}
          {...form.getInputProps('jwksUrl')}
        />
      )}
    </>
  );
}

function TrustFields({ form }: { readonly form: Form }) {
  const { provider } = form.values;
  if (provider === 'other') {
    return (
      <CodeInput
        label={texts.conditions}
        description={texts.conditionsHint}
        minRows={2}
        {...form.getInputProps('conditions')}
      />
    );
  }
  return (
    <>
      <PlainTextInput {...strings.subjects[provider]} {...form.getInputProps('subject')} />
      {LIMIT_FIELDS[provider].map((name) => (
        <PlainTextInput key={name} {...LIMIT_PROPS[name]} {...form.getInputProps(name)} />
      ))}
    </>
  );
}

function ScopesField({ form }: { readonly form: Form }) {
  const { scopes } = form.values;
  const toggle = (scope: string) =>
    form.setFieldValue(
      'scopes',
      scopes.includes(scope) ? scopes.filter((selected) => selected !== scope) : [...scopes, scope],
    );
  const error = form.errors['scopes'];
  return (
    <FormSection title={texts.scopes} {...fieldPathProps(form, 'scopes')}>
      <Stack gap={8}>
        {SCOPES.map((scope) => (
          <Checkbox
            key={scope}
            label={<span className="mono">{scope}</span>}
            description={describeRight(scope)}
            checked={scopes.includes(scope)}
            onChange={() => toggle(scope)}
          />
        ))}
        {error !== undefined && (
          <Text fz="xs" c="var(--app-danger)" role="alert">
            {error}
          </Text>
        )}
      </Stack>
    </FormSection>
  );
}

/** The fields of a workload identity. The provider can be selected only for a new identity. */
export function IdentityFields({ form, isNew }: { readonly form: Form; readonly isNew: boolean }) {
  const { conditions } = toTrust(form.values);
  const hasConditions = form.values.provider !== 'other' && form.values.subject.trim() !== '';
  return (
    <>
      <NameInput placeholder={texts.namePlaceholder} {...form.getInputProps('name')} />
      {isNew && (
        <NativeSelect
          label={texts.provider}
          data={WORKLOAD_PROVIDERS.map((value) => ({ value, label: strings.providers[value] }))}
          {...form.getInputProps('provider')}
        />
      )}
      <TrustFields form={form} />
      <IssuerFields form={form} />
      {hasConditions && (
        <Stack gap={4}>
          <Text fz="sm">{texts.acceptedTokens}</Text>
          <ConditionList conditions={conditions} />
        </Stack>
      )}
      <ScopesField form={form} />
      <IntegerInput
        label={texts.lifetime}
        limits={{ min: 1, max: WORKLOAD_LIMITS.lifetimeSeconds.max / 60 }}
        {...form.getInputProps('lifetimeMinutes')}
      />
      <RestrictionFields form={form} requiresAddresses={false} />
    </>
  );
}
