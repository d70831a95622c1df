import { NativeSelect, Stack } from '@mantine/core';
import { DateField } from '../components/date-field.tsx';
import { Notice } from '../components/notice.tsx';
import { type Expiry, type ExpiryChoice, expiryOptions, readExpiryDate } from './expiry.ts';
import { strings } from './strings.ts';

interface ExpiryFieldProps {
  readonly noun: string;
  readonly value: Expiry;
  readonly onChange: (expiry: Expiry) => void;
  readonly now: number;
  /** The expiry of the edited credential; omitted for a new one. */
  readonly currentExpiresAt?: string | null | undefined;
  readonly error?: string | undefined;
  readonly 'data-path': string;
}

/** The expiry of a credential: a duration, a date, or never, with a warning for never. */
export function ExpiryField({ noun, value, onChange, now, currentExpiresAt, error, ...fieldProps }: ExpiryFieldProps) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const neverExpires = value.choice === 'never' || (value.choice === 'keep' && currentExpiresAt === null);
  return (
    <Stack gap="xs">
      <NativeSelect
        label={strings.expiryField.expiry}
        data={expiryOptions(now, currentExpiresAt)}
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
          reading={readExpiryDate(value.dateText, now)}
          onChange={(dateText) => onChange({ ...value, dateText })}
          minDate={new Date(now)}
          error={error}
          {...fieldProps}
        />
      )}
      {neverExpires && <Notice tone="warn">{strings.expiryField.neverExpires(noun)}</Notice>}
    </Stack>
  );
}
