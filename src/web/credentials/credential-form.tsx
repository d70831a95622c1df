import { Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { flushSync } from 'react-dom';
import { LIMITS } from '../../contract/words.ts';
import { DevpilotError } from '../../sdk/client.ts';
import { fieldOf, useFields } from '../components/fields.ts';
import { FormFooter, type Submitting, useSubmit } from '../components/form.tsx';
import { descriptionProblem, lengthOf, nameProblem, passphraseProblem } from '../rules.ts';
import styles from './credentials.module.css';
import { type Expiry, expiresAtOf, expiryProblem } from './expiry.ts';
import { ExpiryField } from './expiry-field.tsx';
import type { Kind, Right } from './kinds.ts';
import { PassphraseField } from './passphrase-field.tsx';
import { RightsField } from './rights-field.tsx';
import { summarize } from './summary.ts';

export type CredentialValues = {
  readonly name: string;
  readonly description: string;
  readonly rights: Right[];
  readonly passphrase: string;
  readonly expiry: Expiry;
  readonly active: boolean;
  /** Whether an API key may run guards. */
  readonly guard: boolean;
};

/** What the form hands over: checked, with the expiry as an instant. */
export type CredentialWish = Omit<CredentialValues, 'expiry'> & { readonly expiresAt: string | null };

export const NEW_CREDENTIAL: CredentialValues = {
  name: '',
  description: '',
  rights: [],
  passphrase: '',
  expiry: { choice: '90', date: null },
  active: true,
  guard: false,
};

const GUARD_ADVICE =
  'For services that use the SDK in lease mode: such a key reads what decides on this workspace’s credentials and reports their uses. It also needs the permission read. Leave it off otherwise.';

interface CredentialFormProps {
  readonly kind: Kind;
  readonly initial: CredentialValues;
  /** What an edited credential's expiry is; leave it out for a new one. */
  readonly kept?: string | null;
  readonly submit: string;
  readonly onCancel: () => void;
  /** Does it, and answers with what comes next once the form has forgotten what was typed. */
  readonly onSubmit: (wish: CredentialWish) => Promise<() => void>;
  readonly passphraseHint?: string;
}

const FIELDS: Readonly<Record<string, string>> = { scopes: 'rights', permissions: 'rights', expiresAt: 'expiry' };

/** What to tell of a refusal that is about no field. */
function troubleOf({ trouble, error }: Submitting<never>, kind: Kind): string | null {
  if (error instanceof DevpilotError && error.code === 'idempotent_replay') {
    return `The ${kind.noun} was created, but its secret was lost on the way here and cannot be shown again. Close this, delete it and generate a new one.`;
  }
  if (error instanceof DevpilotError && error.status === 0) {
    return `${error.message} Submit again: nothing is created twice.`;
  }
  return trouble;
}

/** The form that creates tokens and keys, and edits keys, with a summary in words of what is about to be. */
export function CredentialForm(props: CredentialFormProps) {
  const { kind, initial, kept, onCancel, onSubmit } = props;
  const isToken = kind.kind === 'access_token';
  const [now] = useState(() => Date.now());
  const form = useFields<CredentialValues>({
    initialValues: initial,
    validate: {
      name: nameProblem,
      description: descriptionProblem,
      rights: (rights) => (rights.length === 0 ? `Choose at least one ${kind.rightNoun}` : null),
      passphrase: (passphrase) => (passphrase === '' ? null : passphraseProblem(passphrase)),
      expiry: (expiry) => expiryProblem(expiry, Date.now()),
    },
    onSubmitPreventDefault: 'always',
  });
  const { values, errors } = form;
  const expiresAt = expiresAtOf(values.expiry, now, kept ?? null);

  const saving = useSubmit(
    form,
    async ({ expiry, ...rest }) => {
      const next = await onSubmit({ ...rest, expiresAt: expiresAtOf(expiry, now, kept ?? null) });
      // Browsers hold on to a dialog's elements after it is gone, and a field to what it last held.
      flushSync(() => form.setFieldValue('passphrase', ''));
      next();
    },
    FIELDS,
  );

  const textOf = (field: string) => (errors[field] === undefined ? undefined : String(errors[field]));
  return (
    <form noValidate onSubmit={form.onSubmit(saving.submit)}>
      <Stack gap="md">
        <TextInput
          label="Name"
          placeholder={kind.placeholder}
          description="What it is for, so that others know before they delete it."
          autoComplete="off"
          data-autofocus
          {...form.getInputProps('name')}
        />
        {!isToken && (
          <Textarea
            label="Description (optional)"
            autosize
            minRows={2}
            maxRows={6}
            inputWrapperOrder={['label', 'input', 'error', 'description']}
            description={`${lengthOf(values.description)} of ${LIMITS.description.max} characters`}
            {...form.getInputProps('description')}
          />
        )}
        <RightsField
          kind={kind}
          value={values.rights}
          onChange={(rights) => form.setFieldValue('rights', rights)}
          error={textOf('rights')}
          {...fieldOf(form, 'rights')}
        />
        {isToken && (
          <PassphraseField
            value={values.passphrase}
            onChange={(passphrase) => form.setFieldValue('passphrase', passphrase)}
            error={textOf('passphrase')}
            {...fieldOf(form, 'passphrase')}
            {...(props.passphraseHint !== undefined && { description: props.passphraseHint })}
          />
        )}
        <ExpiryField
          noun={isToken ? 'token' : 'key'}
          value={values.expiry}
          onChange={(expiry) => form.setFieldValue('expiry', expiry)}
          now={now}
          kept={kept}
          error={textOf('expiry')}
          {...fieldOf(form, 'expiry')}
        />
        {!isToken && (
          <Switch
            label="Active"
            description="An inactive key is refused until it is made active again."
            checked={values.active}
            onChange={(event) => form.setFieldValue('active', event.currentTarget.checked)}
          />
        )}
        {!isToken && (
          <Switch
            label="May run guards"
            description={GUARD_ADVICE}
            checked={values.guard}
            onChange={(event) => form.setFieldValue('guard', event.currentTarget.checked)}
          />
        )}
        <Text className={styles['summary']} aria-live="polite" data-testid="summary">
          {summarize({
            rights: values.rights,
            expiresAt,
            passphrase: values.passphrase !== '',
            active: values.active,
          })}
        </Text>
        <FormFooter
          saving={{ ...saving, trouble: troubleOf(saving, kind) }}
          submit={props.submit}
          onCancel={onCancel}
        />
      </Stack>
    </form>
  );
}
