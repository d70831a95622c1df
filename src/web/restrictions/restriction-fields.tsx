import { Checkbox, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { ReactNode } from 'react';
import { RESTRICTION_LIMITS } from '../../contract/limits.ts';
import { CodeInput, IntegerInput } from '../components/fields.tsx';
import { FormSection } from '../components/form-section.tsx';
import { fieldPathProps } from '../components/use-app-form.ts';
import { type KnownUses, NO_KNOWN_USES } from './known-uses.ts';
import { KnownUsesOffer } from './known-uses-offer.tsx';
import { NEW_RATE, RateField } from './rate-field.tsx';
import { ResourcesField } from './resources-field.tsx';
import styles from './restriction-fields.module.css';
import type { RestrictionValues } from './restriction-values.ts';
import { strings } from './strings.ts';

interface RestrictionProps {
  readonly label: string;
  /** The reason why the restriction cannot be turned off. */
  readonly requiredReason?: string | undefined;
  readonly isOn: boolean;
  readonly onToggle: () => void;
  /** An offer to turn the restriction on with known values; shown while the restriction is off. */
  readonly offer?: ReactNode;
  /** The fields of the restriction, shown while it is on. */
  readonly children: ReactNode;
}

function Restriction({ label, requiredReason, isOn, onToggle, offer, children }: RestrictionProps) {
  return (
    <div>
      <Checkbox
        label={label}
        description={requiredReason}
        checked={isOn}
        disabled={requiredReason !== undefined && isOn}
        onChange={onToggle}
      />
      {isOn ? <div className={styles['fields']}>{children}</div> : <div className={styles['offer']}>{offer}</div>}
    </div>
  );
}

/** A form that has restrictions among its values. */
type RestrictionForm = Pick<
  UseFormReturnType<RestrictionValues>,
  'values' | 'errors' | 'setFieldValue' | 'getInputProps'
>;

interface RestrictionFieldsProps {
  readonly form: RestrictionForm;
  /** Whether the policy requires addresses. */
  readonly requiresAddresses: boolean;
  /** The addresses and apps that are offered as restrictions. */
  readonly knownUses?: KnownUses;
}

const errorText = ({ errors }: RestrictionForm, field: string): string | undefined =>
  errors[field] === undefined ? undefined : String(errors[field]);

function AddressRestriction({ form, requiresAddresses, knownUses }: Required<RestrictionFieldsProps>) {
  const { addresses } = form.values;
  return (
    <Restriction
      label={strings.fields.onlyFromAddresses}
      requiredReason={requiresAddresses ? strings.fields.requiredByPolicy : undefined}
      isOn={addresses !== null}
      onToggle={() => form.setFieldValue('addresses', addresses === null ? '' : null)}
      offer={
        knownUses.addresses.length > 0 && (
          <KnownUsesOffer
            subject="addresses"
            names={knownUses.addresses}
            onAccept={() => form.setFieldValue('addresses', knownUses.addresses.join('\n'))}
          />
        )
      }
    >
      <CodeInput
        label={strings.fields.addresses}
        description={strings.fields.addressesDescription(RESTRICTION_LIMITS.entries)}
        placeholder={strings.fields.addressesPlaceholder}
        minRows={2}
        maxRows={6}
        {...form.getInputProps('addresses')}
      />
    </Restriction>
  );
}

function ResourceRestriction({ form, knownUses }: Required<Pick<RestrictionFieldsProps, 'form' | 'knownUses'>>) {
  const { resources } = form.values;
  const knownAppIds = knownUses.apps.map(({ value }) => value);
  return (
    <Restriction
      label={strings.fields.onlyOnResources}
      isOn={resources !== null}
      onToggle={() => form.setFieldValue('resources', resources === null ? [] : null)}
      offer={
        knownUses.apps.length > 0 && (
          <KnownUsesOffer
            subject="apps"
            names={knownUses.apps.map(({ label }) => label)}
            onAccept={() => form.setFieldValue('resources', knownAppIds)}
          />
        )
      }
    >
      <ResourcesField
        value={resources ?? []}
        onChange={(ids) => form.setFieldValue('resources', ids)}
        error={errorText(form, 'resources')}
        {...fieldPathProps(form, 'resources')}
      />
    </Restriction>
  );
}

function RateRestriction({ form }: Pick<RestrictionFieldsProps, 'form'>) {
  const { rate } = form.values;
  return (
    <Restriction
      label={strings.fields.limitedRate}
      isOn={rate !== null}
      onToggle={() => form.setFieldValue('rate', rate === null ? NEW_RATE : null)}
    >
      <RateField
        value={rate ?? NEW_RATE}
        onChange={(changed) => form.setFieldValue('rate', changed)}
        error={errorText(form, 'rate')}
        {...fieldPathProps(form, 'rate')}
      />
    </Restriction>
  );
}

function UseCountRestriction({ form }: Pick<RestrictionFieldsProps, 'form'>) {
  const { maxUses } = form.values;
  const limits = RESTRICTION_LIMITS.maxUses;
  return (
    <Restriction
      label={strings.fields.limitedUses}
      isOn={maxUses !== null}
      onToggle={() => form.setFieldValue('maxUses', maxUses === null ? '' : null)}
    >
      <IntegerInput
        label={strings.fields.maxUses}
        description={strings.fields.maxUsesDescription(limits.min, limits.max)}
        limits={limits}
        thousandSeparator=","
        styles={{ wrapper: { maxWidth: 180 } }}
        {...form.getInputProps('maxUses')}
      />
    </Restriction>
  );
}

/** The restrictions of a credential by address, resource, rate and number of uses. Each can be turned on separately. */
export function RestrictionFields({ form, requiresAddresses, knownUses = NO_KNOWN_USES }: RestrictionFieldsProps) {
  return (
    <FormSection title={strings.fields.title} hint={strings.fields.optional}>
      <Stack gap="sm">
        <AddressRestriction form={form} requiresAddresses={requiresAddresses} knownUses={knownUses} />
        <ResourceRestriction form={form} knownUses={knownUses} />
        <RateRestriction form={form} />
        <UseCountRestriction form={form} />
      </Stack>
    </FormSection>
  );
}
