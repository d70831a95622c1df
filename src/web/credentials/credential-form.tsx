import { Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { flushSync } from 'react-dom';
import type { Policy } from '../../contract/policy.ts';
import { requiresPassphrase } from '../../contract/policy-rules.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { Form, FormFooter, type Submission, useSubmit } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { QueryContent } from '../components/states.tsx';
import { StickyFooter } from '../components/sticky-footer.tsx';
import { useAppForm } from '../components/use-app-form.ts';
import { canCreateCredentials, policyQuery } from '../policy/use-policy.ts';
import { type KnownUses, NO_KNOWN_USES } from '../restrictions/known-uses.ts';
import {
  describeRestrictions,
  toRestrictions,
  validateAddresses,
  validateMaxUses,
  validateRate,
  validateResources,
} from '../restrictions/restriction-values.ts';
import { useNamesById } from '../restrictions/use-resource-names.ts';
import { useWorkspace } from '../session.ts';
import { validateDescription, validateName, validatePassphrase } from '../validation.ts';
import { CredentialFields } from './credential-fields.tsx';
import styles from './credential-form.module.css';
import type { CredentialFormValues, CredentialRequest } from './credential-form-values.ts';
import { type ExpiryLimits, expiryLimits, fitExpiry, toExpiresAt, validateExpiry } from './expiry.ts';
import { strings } from './form-strings.ts';
import type { CredentialKindConfig } from './kinds.ts';
import { PresetButtons } from './preset-buttons.tsx';
import { applyPreset } from './presets.ts';
import { type PassphraseState, summarize } from './summary.ts';

interface CredentialFormProps {
  readonly kind: CredentialKindConfig;
  readonly initial: CredentialFormValues;
  /** The edited credential; omitted for a new one. */
  readonly edited?: { readonly createdAt: string; readonly expiresAt: string | null };
  readonly submitLabel: string;
  readonly onCancel: () => void;
  /** Sends the request and returns a callback, which is called after the form has cleared the passphrase. */
  readonly onSubmit: (request: CredentialRequest) => Promise<() => void>;
  readonly passphraseDescription?: string;
  /** The addresses and apps that the credential, or the credential that it replaces, was used with. */
  readonly knownUses?: KnownUses | undefined;
  /** Called when the form gains or loses unsaved input. */
  readonly onDirtyChange: (isDirty: boolean) => void;
  /** Whether presets can fill in the form. */
  readonly hasPresets?: boolean;
  /** Shown above the fields. */
  readonly notice?: ReactNode;
  /** Renders the consequences of submitting these values, above the summary. */
  readonly renderConsequences?: (values: CredentialFormValues) => ReactNode;
  /** A notice about changes that someone else has saved since the form was opened. */
  readonly conflictNotice?: ReactNode;
}

const FORM_FIELDS: Readonly<Record<string, string>> = {
  scopes: 'rights',
  permissions: 'rights',
  expiresAt: 'expiry',
  restrictions: 'addresses',
  'restrictions.addresses': 'addresses',
  'restrictions.projects': 'resources',
  'restrictions.apps': 'resources',
  'restrictions.rate': 'rate',
  'restrictions.maxUses': 'maxUses',
};

/** Returns the message of an error that is not about a field. */
function getFormError({ formError, error }: Submission<never>, kind: CredentialKindConfig): string | null {
  if (error instanceof DevpilotError && error.code === 'idempotent_replay') {
    return strings.credentialForm.responseLost(kind.noun);
  }
  if (error instanceof DevpilotError && error.status === 0) {
    return strings.credentialForm.safeToRetry(error.message);
  }
  return formError;
}

/** Returns the values without the rights that the policy does not allow, and with an expiry that it allows. */
function fitToPolicy(values: CredentialFormValues, policy: Policy, limits: ExpiryLimits): CredentialFormValues {
  return {
    ...values,
    rights: policy.allowAll ? values.rights : values.rights.filter((right) => right !== 'all'),
    expiry: fitExpiry(values.expiry, limits),
  };
}

function getPassphraseState({ passphrase }: CredentialFormValues, isRequired: boolean): PassphraseState {
  if (passphrase !== '') return 'set';
  return isRequired ? 'missing' : 'none';
}

type LoadedCredentialFormProps = CredentialFormProps & { readonly policy: Policy };

/**
 * Returns the form, and what the policy requires of it: the limits of the expiry, and whether a passphrase is needed.
 */
function useCredentialForm({ kind, initial, edited, policy, onDirtyChange }: LoadedCredentialFormProps) {
  const isToken = kind.kind === 'access_token';
  const [now] = useState(() => Date.now());
  const limits = expiryLimits(policy, now, edited?.createdAt ?? null);
  const mustHavePassphrase = (rights: readonly string[]) => isToken && requiresPassphrase(policy, rights);
  // An edit does not have to fix an existing violation.
  const needsAddresses = policy.requireAddresses && edited === undefined;
  const form = useAppForm<CredentialFormValues>({
    initialValues: needsAddresses
      ? { ...fitToPolicy(initial, policy, limits), addresses: initial.addresses ?? '' }
      : fitToPolicy(initial, policy, limits),
    validate: {
      name: validateName,
      description: validateDescription,
      rights: (rights) => (rights.length === 0 ? strings.credentialForm.chooseARight(kind.rightNoun) : null),
      passphrase: (passphrase, { rights }) => {
        if (passphrase !== '') return validatePassphrase(passphrase);
        return mustHavePassphrase(rights) ? strings.credentialForm.passphraseRequired : null;
      },
      addresses: (text) =>
        validateAddresses(text, {
          isRequired: needsAddresses || (policy.requireAddresses && text !== initial.addresses),
        }),
      resources: validateResources,
      rate: validateRate,
      maxUses: validateMaxUses,
      expiry: (expiry) => validateExpiry(expiry, limits, Date.now()),
    },
    onSubmitPreventDefault: 'always',
  });
  const isDirty = form.isDirty();
  useEffect(() => {
    onDirtyChange(isDirty);
    return () => onDirtyChange(false);
  }, [isDirty, onDirtyChange]);
  return { form, limits, needsPassphrase: mustHavePassphrase(form.values.rights) };
}

function LoadedCredentialForm(props: LoadedCredentialFormProps) {
  const { kind, edited, policy, onCancel, onSubmit } = props;
  const { form, limits, needsPassphrase } = useCredentialForm(props);
  const { values } = form;
  const currentExpiresAt = edited?.expiresAt;
  const resourceNames = useNamesById(values.resources ?? []);

  const saving = useSubmit(
    form,
    async ({ expiry, addresses, resources, rate, maxUses, ...otherValues }) => {
      const expiresAt = toExpiresAt(expiry, limits, currentExpiresAt ?? null);
      // Null would mean that the credential never expires.
      if (expiresAt === undefined) return form.setFieldError('expiry', validateExpiry(expiry, limits));
      const restrictions = toRestrictions({ addresses, resources, rate, maxUses });
      const onSuccess = await onSubmit({ ...otherValues, restrictions, expiresAt });
      // Browsers keep a dialog's elements in memory after removal, and a field keeps its last value.
      flushSync(() => form.setFieldValue('passphrase', ''));
      onSuccess();
    },
    FORM_FIELDS,
  );

  return (
    <Form onSubmit={form.onSubmit(saving.submit)}>
      {props.notice}
      {props.hasPresets && (
        <PresetButtons
          kind={kind.kind}
          values={values}
          onChoose={(preset) =>
            form.setValues(fitToPolicy({ ...values, ...applyPreset(kind.kind, preset, values) }, policy, limits))
          }
        />
      )}
      <CredentialFields
        form={form}
        kind={kind}
        policy={policy}
        limits={limits}
        currentExpiresAt={currentExpiresAt}
        needsPassphrase={needsPassphrase}
        passphraseDescription={props.passphraseDescription}
        knownUses={props.knownUses ?? NO_KNOWN_USES}
      />
      <StickyFooter isInDialog>
        {props.renderConsequences?.(values)}
        <FormFooter
          saving={{ ...saving, formError: getFormError(saving, kind) }}
          submitLabel={props.submitLabel}
          onCancel={onCancel}
          conflictNotice={props.conflictNotice}
          summary={
            <Text className={styles['summary']} aria-live="polite" data-testid="summary">
              {summarize({
                rights: values.rights,
                rightNoun: kind.rightNoun,
                expiresAt: toExpiresAt(values.expiry, limits, currentExpiresAt ?? null),
                passphrase: getPassphraseState(values, needsPassphrase),
                restrictions: describeRestrictions(values, resourceNames),
                active: values.active,
                guard: values.guard,
                now: limits.now,
              })}
            </Text>
          }
        />
      </StickyFooter>
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
        edited !== undefined || canCreateCredentials(policy, access) ? (
          <LoadedCredentialForm {...props} policy={policy} />
        ) : (
          <>
            <Notice tone="warning">{strings.credentialForm.onlyTheOwnerCreates(kind.plural)}</Notice>
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
