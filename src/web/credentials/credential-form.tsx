import { Button, Group, Switch, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import { LIMITS } from '../../contract/limits.ts';
import type { Policy } from '../../contract/policy.ts';
import { requiresPassphrase } from '../../contract/policy-rules.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { CodeInput, DescriptionInput, NameInput } from '../components/fields.tsx';
import { Form, FormFooter, type Submission, useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { QueryContent } from '../components/states.tsx';
import { fieldPathProps, useAppForm } from '../components/use-app-form.ts';
import { mayCreate, policyQuery } from '../policy/use-policy.ts';
import { useWorkspace } from '../session.ts';
import { validateDescription, validateName, validatePassphrase } from '../validation.ts';
import { toAddresses, validateAddresses } from './addresses.ts';
import type { CredentialFormValues, CredentialRequest } from './credential-form-values.ts';
import styles from './credentials.module.css';
import { type ExpiryLimits, expiryLimits, fitExpiry, toExpiresAt, validateExpiry } from './expiry.ts';
import { ExpiryField } from './expiry-field.tsx';
import type { CredentialKindConfig } from './kinds.ts';
import { PassphraseField } from './passphrase-field.tsx';
import { RightsField } from './rights-field.tsx';
import { strings } from './strings.ts';
import { summarize } from './summary.ts';

const GUARD_DESCRIPTION = strings.credentialForm.guardDescription;

interface CredentialFormProps {
  readonly kind: CredentialKindConfig;
  readonly initial: CredentialFormValues;
  /** The edited credential; omitted for a new one. */
  readonly edited?: { readonly createdAt: string; readonly expiresAt: string | null };
  readonly submitLabel: string;
  readonly onCancel: () => void;
  /** Sends the request and returns what to do after the form has cleared the passphrase. */
  readonly onSubmit: (request: CredentialRequest) => Promise<() => void>;
  readonly passphraseDescription?: string;
  /** Called when the form starts or ceases to have unsaved input. */
  readonly onDirtyChange: (isDirty: boolean) => void;
  /** Shown above the fields. */
  readonly notice?: ReactNode;
  /** Returns what is shown above the summary: the consequences of submitting these values. */
  readonly renderConsequences?: (values: CredentialFormValues) => ReactNode;
  /** What someone else changed in the meantime. */
  readonly conflictNotice?: ReactNode;
}

const FORM_FIELDS: Readonly<Record<string, string>> = {
  scopes: 'rights',
  permissions: 'rights',
  expiresAt: 'expiry',
  restrictions: 'addresses',
  'restrictions.addresses': 'addresses',
};

/** Returns the message of an error that belongs to no field. */
function getFormError({ formError, error }: Submission<never>, kind: CredentialKindConfig): string | null {
  if (error instanceof DevpilotError && error.code === 'idempotent_replay') {
    return strings.credentialForm.responseLost(kind.noun);
  }
  if (error instanceof DevpilotError && error.status === 0) {
    return strings.credentialForm.safeToRetry(error.message);
  }
  return formError;
}

/** Returns the values without those that the policy does not allow. */
function fitToPolicy(values: CredentialFormValues, policy: Policy, limits: ExpiryLimits): CredentialFormValues {
  return {
    ...values,
    rights: policy.allowAll ? values.rights : values.rights.filter((right) => right !== 'all'),
    expiry: fitExpiry(values.expiry, limits),
  };
}

function PolicyForm(props: CredentialFormProps & { readonly policy: Policy }) {
  const { kind, initial, edited, policy, onCancel, onSubmit, onDirtyChange } = props;
  const isToken = kind.kind === 'access_token';
  const [now] = useState(() => Date.now());
  const limits = expiryLimits(policy, now, edited?.createdAt ?? null);
  const currentExpiresAt = edited?.expiresAt;
  const needsPassphrase = (rights: readonly string[]) => isToken && requiresPassphrase(policy, rights);
  const needsAddresses = policy.requireAddresses;
  const form = useAppForm<CredentialFormValues>({
    initialValues: fitToPolicy(initial, policy, limits),
    validate: {
      name: validateName,
      description: validateDescription,
      rights: (rights) => (rights.length === 0 ? strings.credentialForm.chooseARight(kind.rightNoun) : null),
      passphrase: (passphrase, { rights }) => {
        if (passphrase !== '') return validatePassphrase(passphrase);
        return needsPassphrase(rights) ? strings.credentialForm.passphraseRequired : null;
      },
      // An edit may leave a violation as it is.
      addresses: (text) =>
        validateAddresses(text, needsAddresses && (edited === undefined || text !== initial.addresses)),
      expiry: (expiry) => validateExpiry(expiry, limits, Date.now()),
    },
    onSubmitPreventDefault: 'always',
  });
  const { values, errors } = form;
  const isDirty = form.isDirty();
  useEffect(() => {
    onDirtyChange(isDirty);
    return () => onDirtyChange(false);
  }, [isDirty, onDirtyChange]);

  const saving = useSubmit(
    form,
    async ({ expiry, addresses, ...rest }) => {
      const expiresAt = toExpiresAt(expiry, limits, currentExpiresAt ?? null);
      // Null would mean never.
      if (expiresAt === undefined) return form.setFieldError('expiry', validateExpiry(expiry, limits));
      const onSuccess = await onSubmit({ ...rest, addresses: toAddresses(addresses), expiresAt });
      // Browsers keep a dialog's elements in memory after removal, and a field keeps its last value.
      flushSync(() => form.setFieldValue('passphrase', ''));
      onSuccess();
    },
    FORM_FIELDS,
  );

  const errorText = (field: string) => (errors[field] === undefined ? undefined : String(errors[field]));
  return (
    <Form onSubmit={form.onSubmit(saving.submit)}>
      {props.notice}
      <NameInput
        placeholder={kind.placeholder}
        description={strings.credentialForm.nameDescription(LIMITS.name.min, LIMITS.name.max)}
        {...form.getInputProps('name')}
      />
      {!isToken && <DescriptionInput maxLength={LIMITS.description.max} {...form.getInputProps('description')} />}
      <RightsField
        kind={kind}
        value={values.rights}
        onChange={(rights) => form.setFieldValue('rights', rights)}
        policy={policy}
        error={errorText('rights')}
        {...fieldPathProps(form, 'rights')}
      />
      {isToken && (
        <PassphraseField
          value={values.passphrase}
          onChange={(passphrase, generatedPassphrase) => {
            form.setFieldValue('passphrase', passphrase);
            form.setFieldValue('generatedPassphrase', generatedPassphrase);
          }}
          isRequired={needsPassphrase(values.rights)}
          error={errorText('passphrase')}
          {...fieldPathProps(form, 'passphrase')}
          {...(props.passphraseDescription !== undefined && { description: props.passphraseDescription })}
        />
      )}
      <CodeInput
        label={needsAddresses ? strings.addressesField.addresses : strings.addressesField.addressesOptional}
        description={needsAddresses ? strings.addressesField.requiredByPolicy : strings.addressesField.description}
        placeholder={strings.addressesField.placeholder}
        maxRows={8}
        {...form.getInputProps('addresses')}
      />
      <ExpiryField
        noun={isToken ? strings.credentialForm.token : strings.credentialForm.key}
        value={values.expiry}
        onChange={(expiry) => form.setFieldValue('expiry', expiry)}
        limits={limits}
        maxLifetimeDays={policy.maxLifetimeDays}
        currentExpiresAt={currentExpiresAt}
        error={errorText('expiry')}
        {...fieldPathProps(form, 'expiry')}
      />
      {!isToken && (
        <Switch
          label={strings.credentialForm.active}
          description={strings.credentialForm.activeDescription}
          checked={values.active}
          onChange={(event) => form.setFieldValue('active', event.currentTarget.checked)}
        />
      )}
      {!isToken && (
        <Switch
          label={strings.credentialForm.allowGuards}
          description={GUARD_DESCRIPTION}
          checked={values.guard}
          onChange={(event) => form.setFieldValue('guard', event.currentTarget.checked)}
        />
      )}
      {props.renderConsequences?.(values)}
      <Text className={styles['summary']} aria-live="polite" data-testid="summary">
        {summarize({
          rights: values.rights,
          rightNoun: kind.rightNoun,
          expiresAt: toExpiresAt(values.expiry, limits, currentExpiresAt ?? null),
          passphrase: values.passphrase !== '',
          active: values.active,
          guard: values.guard,
          now,
        })}
      </Text>
      <FormFooter
        saving={{ ...saving, formError: getFormError(saving, kind) }}
        submitLabel={props.submitLabel}
        onCancel={onCancel}
        conflictNotice={props.conflictNotice}
      />
    </Form>
  );
}

/**
 * The form that creates access tokens and API keys and edits API keys, within the policy of the workspace. It shows a
 * summary of the credential in words.
 */
export function CredentialForm(props: CredentialFormProps) {
  const { kind, edited, onCancel } = props;
  const access = useWorkspace();
  return (
    <QueryContent query={useQuery(policyQuery(access))}>
      {(policy) =>
        edited !== undefined || mayCreate(policy, access) ? (
          <PolicyForm {...props} policy={policy} />
        ) : (
          <>
            <Notice tone="warn">{strings.credentialForm.onlyTheOwnerCreates(kind.plural)}</Notice>
            <Group justify="flex-end" mt="md">
              <Button variant="default" onClick={onCancel}>
                {strings.credentialForm.close}
              </Button>
            </Group>
          </>
        )
      }
    </QueryContent>
  );
}
