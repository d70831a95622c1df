import { NativeSelect, Stack } from '@mantine/core';
import { DateField } from '../components/date-field.tsx';
import { Notice } from '../components/notice.tsx';
import { type Expiry, type ExpiryChoice, type ExpiryLimits, expiryOptions, readExpiryDate } from './expiry.ts';
import { strings } from './form-strings.ts';

interface ExpiryFieldProps {
  /** "token" or "key". */
  readonly noun: string;
  readonly value: Expiry;
  readonly onChange: (expiry: Expiry) => void;
  readonly limits: ExpiryLimits;
  /** The maximum lifetime of the policy in days; null for none. */
  readonly maxLifetimeDays: number | null;
  /** The expiry of the edited credential, null for never; omitted for a new credential. */
  readonly currentExpiresAt?: string | null | undefined;
  readonly error?: string | undefined;
  readonly 'data-path': string;
}

/** The expiry of a credential: a duration, a date, or never, with a warning for never. */
export function ExpiryField(props: ExpiryFieldProps) {
  const { noun, value, onChange, limits, maxLifetimeDays, currentExpiresAt, error, ...fieldProps } = props;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const neverExpires = value.choice === 'never' || (value.choice === 'keep' && currentExpiresAt === null);
  return (
    <Stack gap="xs">
      <NativeSelect
        label={strings.expiryField.expiry}
        data={expiryOptions(limits, currentExpiresAt)}
        {...(maxLifetimeDays !== null && { description: strings.expiryField.maximumLifetime(maxLifetimeDays) })}
        value={value.choice}
        onChange={(event) => onChange({ ...value, choice: event.currentTarget.value as ExpiryChoice })}
        error={value.choice === 'date' ? undefined : error}
        {...(value.choice !== 'date' && fieldProps)}
      />
      {value.choice === 'date' && (
        <DateField
          label={strings.expiryField.lastDay}
          description={strings.expiryField.lastDayDescription(timeZone)}
          text={value.dateText}
          parsed={readExpiryDate(value.dateText, limits)}
          onChange={(dateText) => onChange({ ...value, dateText })}
          minDate={new Date(limits.now)}
          {...(limits.latest !== null && { maxDate: new Date(limits.latest) })}
          error={error}
          {...fieldProps}
        />
      )}
      {neverExpires && <Notice tone="warning">{strings.expiryField.neverExpires(noun)}</Notice>}
    </Stack>
  );
}
