import { Stack, Switch } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { LIMITS } from '../../contract/limits.ts';
import type { Policy } from '../../contract/policy.ts';
import { DescriptionInput, NameInput } from '../components/fields.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import type { KnownUses } from '../restrictions/known-uses.ts';
import { RestrictionFields } from '../restrictions/restriction-fields.tsx';
import styles from './credential-form.module.css';
import type { CredentialFormValues } from './credential-form-values.ts';
import type { ExpiryLimits } from './expiry.ts';
import { ExpiryField } from './expiry-field.tsx';
import { strings } from './form-strings.ts';
import type { CredentialKindConfig } from './kinds.ts';
import { PassphraseField } from './passphrase-field.tsx';
import { RightsField } from './rights-field.tsx';

interface CredentialFieldsProps {
  readonly form: UseFormReturnType<CredentialFormValues>;
  readonly kind: CredentialKindConfig;
  readonly policy: Policy;
  readonly limits: ExpiryLimits;
  /** The expiry of the edited credential, null for never; undefined for a new credential. */
  readonly currentExpiresAt: string | null | undefined;
  /** Whether the policy requires a passphrase for the chosen rights. */
  readonly needsPassphrase: boolean;
  /** Replaces the default description of the passphrase. */
  readonly passphraseDescription: string | undefined;
  readonly knownUses: KnownUses;
}

function errorText({ errors }: UseFormReturnType<CredentialFormValues>, field: string): string | undefined {
  return errors[field] === undefined ? undefined : String(errors[field]);
}

/** The name and the rights. */
function FirstColumn({ form, kind, policy }: CredentialFieldsProps) {
  return (
    <Stack gap="md">
      <NameInput
        placeholder={kind.placeholder}
        description={strings.credentialForm.nameDescription(LIMITS.name.min, LIMITS.name.max)}
        {...form.getInputProps('name')}
      />
      <RightsField
        kind={kind}
        value={form.values.rights}
        onChange={(rights) => form.setFieldValue('rights', rights)}
        policy={policy}
        error={errorText(form, 'rights')}
        {...fieldPathProps(form, 'rights')}
      />
    </Stack>
  );
}

function ApiKeySwitches({ form }: Pick<CredentialFieldsProps, 'form'>) {
  return (
    <>
      <Switch
        label={strings.credentialForm.active}
        description={strings.credentialForm.activeDescription}
        {...form.getInputProps('active', { type: 'checkbox' })}
      />
      <Switch
        label={strings.credentialForm.allowGuards}
        description={strings.credentialForm.guardDescription}
        {...form.getInputProps('guard', { type: 'checkbox' })}
      />
    </>
  );
}

/** The expiry, the passphrase, the restrictions, and for an API key the description and the switches. */
function SecondColumn(props: CredentialFieldsProps) {
  const { form, kind, policy, limits, currentExpiresAt, needsPassphrase, passphraseDescription } = props;
  const isToken = kind.kind === 'access_token';
  return (
    <Stack gap="lg">
      {!isToken && (
        <DescriptionInput maxLength={LIMITS.description.max} minRows={1} {...form.getInputProps('description')} />
      )}
      <ExpiryField
        noun={isToken ? strings.credentialForm.token : strings.credentialForm.key}
        value={form.values.expiry}
        onChange={(expiry) => form.setFieldValue('expiry', expiry)}
        limits={limits}
        maxLifetimeDays={policy.maxLifetimeDays}
        currentExpiresAt={currentExpiresAt}
        error={errorText(form, 'expiry')}
        {...fieldPathProps(form, 'expiry')}
      />
      {isToken && (
        <PassphraseField
          value={form.values.passphrase}
          onChange={(passphrase, isPassphraseGenerated) => {
            form.setFieldValue('passphrase', passphrase);
            form.setFieldValue('isPassphraseGenerated', isPassphraseGenerated);
          }}
          isRequired={needsPassphrase}
          error={errorText(form, 'passphrase')}
          {...fieldPathProps(form, 'passphrase')}
          {...(passphraseDescription !== undefined && { description: passphraseDescription })}
        />
      )}
      <RestrictionFields form={form} requiresAddresses={policy.requireAddresses} knownUses={props.knownUses} />
      {!isToken && <ApiKeySwitches form={form} />}
    </Stack>
  );
}

/** The fields of a credential, in two columns where the width allows. */
export function CredentialFields(props: CredentialFieldsProps) {
  return (
    <div className={styles['container']}>
      <div className={styles['columns']}>
        <FirstColumn {...props} />
        <SecondColumn {...props} />
      </div>
    </div>
  );
}
