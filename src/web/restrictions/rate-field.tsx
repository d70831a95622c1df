import { Group, NativeSelect } from '@mantine/core';
import { DAY, HOUR, MINUTE, RESTRICTION_LIMITS, SECOND } from '../../contract/limits.ts';
import { IntegerInput } from '../components/fields.tsx';
import type { RestrictionValues } from './restriction-values.ts';
import { strings } from './strings.ts';

type Rate = NonNullable<RestrictionValues['rate']>;

/** The periods that can be chosen, in seconds. */
const PERIODS = [SECOND, MINUTE, HOUR, DAY].map((ms) => ms / SECOND);
/** The rate after the restriction is turned on. */
export const NEW_RATE: Rate = { requests: '', seconds: MINUTE / SECOND };

interface RateFieldProps {
  readonly value: Rate;
  readonly onChange: (rate: Rate) => void;
  readonly error?: string | undefined;
  readonly 'data-path': string;
}

/** A maximum number of requests per period. */
export function RateField({ value, onChange, error, ...fieldProps }: RateFieldProps) {
  const { min, max } = RESTRICTION_LIMITS.rateRequests;
  // A rate that was set through the API can have another period.
  const periods = PERIODS.includes(value.seconds) ? PERIODS : [...PERIODS, value.seconds];
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap" {...fieldProps}>
      <IntegerInput
        label={strings.fields.requests}
        description={strings.fields.requestsDescription(min, max)}
        limits={RESTRICTION_LIMITS.rateRequests}
        thousandSeparator=","
        value={value.requests}
        onChange={(requests) => onChange({ ...value, requests })}
        error={error}
        flex={1}
      />
      <NativeSelect
        aria-label={strings.fields.period}
        data={periods.map((seconds) => ({ value: String(seconds), label: strings.fields.perPeriod(seconds) }))}
        value={String(value.seconds)}
        onChange={(event) => onChange({ ...value, seconds: Number(event.currentTarget.value) })}
        w={140}
      />
    </Group>
  );
}
