import { Checkbox, NativeSelect, Switch } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useLocation } from '@tanstack/react-router';
import { useState } from 'react';
import { DAY, POLICY_LIMITS } from '../../contract/limits.ts';
import type { Policy, PolicyDryRun, UpdatePolicy } from '../../contract/policy.ts';
import { POLICY_CREATORS, POLICY_LEAK_RESPONSES, SCOPES, type Scope } from '../../contract/vocabulary.ts';
import type { CallOptions, Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { ConditionalEditFooter, useEditForm } from '../components/conditional-edit.tsx';
import { DateField } from '../components/date-field.tsx';
import { CodeInput, IntegerInput } from '../components/fields.tsx';
import { Form } from '../components/form.tsx';
import { TextLink } from '../components/link.tsx';
import { NavigationBlocker } from '../components/navigation-blocker.tsx';
import { Section } from '../components/section.tsx';
import { StickyFooter } from '../components/sticky-footer.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { useMe, useWorkspace } from '../session.ts';
import { DryRunDialog } from './dry-run-dialog.tsx';
import {
  POLICY_FORM_RULES,
  type PolicyFormValues,
  parseBindsExistingFrom,
  toFormValues,
  toRequestFields,
} from './policy-form.ts';
import { strings } from './strings.ts';

/** The confirmation dialog names at most this many credentials and this many members. */
const MAX_LISTED = 10;

interface FieldsProps {
  readonly form: UseFormReturnType<PolicyFormValues>;
}

function DaysInput({ form, rule }: FieldsProps & { readonly rule: 'maxLifetimeDays' | 'unusedAfterDays' }) {
  return (
    <IntegerInput
      label={strings.labels[rule]}
      description={strings.rules[rule]}
      limits={POLICY_LIMITS[rule]}
      styles={{ wrapper: { maxWidth: 160 } }}
      {...form.getInputProps(rule)}
    />
  );
}

function CredentialFields({ form }: FieldsProps) {
  const [now] = useState(() => Date.now());
  const { values, errors } = form;
  const { noticeDays } = POLICY_LIMITS;
  const error = errors['bindsExistingFrom'];
  return (
    <Section title={strings.policyForm.allCredentialsTitle}>
      <DaysInput form={form} rule="maxLifetimeDays" />
      {values.maxLifetimeDays !== '' && (
        <DateField
          label={strings.labels.bindsExistingFrom}
          description={strings.policyForm.bindsDescription(strings.rules.bindsExistingFrom, noticeDays)}
          text={values.bindsExistingFrom}
          parsed={parseBindsExistingFrom(values, now)}
          onChange={(text) => form.setFieldValue('bindsExistingFrom', text)}
          minDate={new Date(now + (noticeDays + 1) * DAY)}
          error={error === undefined ? undefined : String(error)}
          {...fieldPathProps(form, 'bindsExistingFrom')}
        />
      )}
      <Switch
        label={strings.labels.requireAddresses}
        description={strings.rules.requireAddresses}
        {...form.getInputProps('requireAddresses', { type: 'checkbox' })}
      />
    </Section>
  );
}

function TokenFields({ form }: FieldsProps) {
  return (
    <Section title={strings.policyForm.tokensTitle}>
      <Checkbox.Group
        label={strings.labels.passphraseScopes}
        description={strings.rules.passphraseScopes}
        value={[...form.values.passphraseScopes]}
        // Keeps the order of `SCOPES`, so that removing a scope and adding it again is not a change.
        onChange={(chosen) =>
          form.setFieldValue(
            'passphraseScopes',
            SCOPES.filter((scope) => chosen.includes(scope)),
          )
        }
        {...fieldPathProps(form, 'passphraseScopes')}
      >
        <div className="checkbox-grid">
          {SCOPES.map((scope: Scope) => (
            <Checkbox key={scope} value={scope} label={<span className="mono">{scope}</span>} />
          ))}
        </div>
      </Checkbox.Group>
      <Switch
        label={strings.labels.allowAll}
        description={strings.rules.allowAll}
        {...form.getInputProps('allowAll', { type: 'checkbox' })}
      />
    </Section>
  );
}

interface PeopleFieldsProps extends FieldsProps {
  /** Whether the saved policy already requires two-factor authentication. */
  readonly isTwoFactorRequired: boolean;
}

function PeopleFields({ form, isTwoFactorRequired }: PeopleFieldsProps) {
  const me = useMe();
  const from = useLocation({ select: ({ href }) => href });
  const isUnavailable = !me.twoFactor && !isTwoFactorRequired;
  return (
    <Section title={strings.policyForm.peopleTitle}>
      <NativeSelect
        label={strings.labels.createdBy}
        description={strings.rules.createdBy}
        data={POLICY_CREATORS.map((value) => ({ value, label: strings.values.createdBy[value] }))}
        {...form.getInputProps('createdBy')}
      />
      <Switch
        label={strings.labels.requireTwoFactor}
        description={
          isUnavailable
            ? strings.policyForm.setUpTwoFactor(
                strings.rules.requireTwoFactor,
                <TextLink to="/account" search={{ from }}>
                  {strings.policyForm.turnItOn}
                </TextLink>,
              )
            : strings.rules.requireTwoFactor
        }
        disabled={isUnavailable}
        {...form.getInputProps('requireTwoFactor', { type: 'checkbox' })}
      />
    </Section>
  );
}

/** An unsaved change to the policy, and the credentials and members that would violate the new policy. */
interface Preview {
  readonly changes: UpdatePolicy;
  /** Contain `ifMatch`, the version of the policy on which the change is based. */
  readonly options: CallOptions;
  readonly dryRun: PolicyDryRun;
}

/** The form of the policy. Submitting it starts a dry run. The policy is saved once the user confirms the result. */
export function EditPolicy({ loaded }: { readonly loaded: Tagged<Policy> }) {
  const { api, workspace } = useWorkspace();
  const [preview, setPreview] = useState<Preview | null>(null);
  const edit = useEditForm({
    loaded,
    read: () => api.policy.read(),
    // Does not update the policy yet, but shows the result of a dry run. `save` updates it after the confirmation.
    async update(changes: UpdatePolicy, options) {
      const dryRun = await api.policy.dryRun(changes, { limit: MAX_LISTED }, options);
      setPreview({ changes, options, dryRun });
      return dryRun.policy;
    },
    toFormValues,
    toRequestFields,
    validate: POLICY_FORM_RULES,
    onSaved: () => undefined,
  });
  const { form, base, isChanged } = edit;

  async function save({ changes, options }: Preview): Promise<void> {
    await api.policy.update(changes, options);
    edit.restart(await api.policy.read());
    notifications.show({ message: strings.policyForm.saved });
    // The policy affects when credentials expire and which of them violate it.
    void queryClient.invalidateQueries({ queryKey: [workspace.id] });
  }

  return (
    <>
      <NavigationBlocker when={isChanged} />
      <Form gap="lg" onSubmit={form.onSubmit(edit.saving.submit)}>
        <CredentialFields form={form} />
        <TokenFields form={form} />
        <PeopleFields form={form} isTwoFactorRequired={base.requireTwoFactor} />
        <Section title={strings.policyForm.unusedTitle}>
          <DaysInput form={form} rule="unusedAfterDays" />
        </Section>
        <Section title={strings.policyForm.leaksTitle}>
          <NativeSelect
            label={strings.labels.onLeak}
            description={strings.rules.onLeak}
            data={POLICY_LEAK_RESPONSES.map((value) => ({ value, label: strings.values.onLeak[value] }))}
            {...form.getInputProps('onLeak')}
          />
        </Section>
        <Section title={strings.policyForm.importTitle}>
          <CodeInput
            label={strings.labels.foreignPrefixes}
            description={strings.policyForm.prefixesDescription(strings.rules.foreignPrefixes)}
            placeholder={strings.policyForm.prefixesPlaceholder}
            minRows={2}
            maxRows={8}
            {...form.getInputProps('foreignPrefixes')}
          />
        </Section>
        <StickyFooter isSticky={isChanged}>
          <ConditionalEditFooter
            edit={edit}
            labels={strings.readLabels}
            submitLabel={strings.policyForm.save}
            disabled={!isChanged}
            onCancel={isChanged ? () => form.setValues(toFormValues(base)) : undefined}
            cancelLabel={strings.policyForm.discard}
          />
        </StickyFooter>
      </Form>
      {preview !== null && (
        <DryRunDialog dryRun={preview.dryRun} onClose={() => setPreview(null)} onConfirm={() => save(preview)} />
      )}
    </>
  );
}
