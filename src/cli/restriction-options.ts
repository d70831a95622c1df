import type { RestrictionsInput } from '../contract/restrictions.ts';
import { Failure } from './failure.ts';
import { parseCount } from './input.ts';

export interface RestrictionOptions {
  readonly address: readonly string[] | undefined;
  readonly project: readonly string[] | undefined;
  readonly app: readonly string[] | undefined;
  readonly rate: string | undefined;
  readonly maxUses: string | undefined;
}

type Rate = NonNullable<RestrictionsInput['rate']>;

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  min: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
};

/** Parses a rate such as `100/min` or `5/10s`. Throws `Failure` for any other text. */
function parseRate(text: string, name: string): Rate {
  const { requests, count, unit } =
    /^(?<requests>\d{1,7})\/(?<count>\d{0,5})(?<unit>s|sec|min|h|hour|d|day)$/.exec(text)?.groups ?? {};
  const seconds = UNIT_SECONDS[unit ?? ''];
  if (requests === undefined || seconds === undefined)
    throw new Failure(`${name} must be requests per time, such as 100/min, 5/10s, 1000/h or 1/day.`);
  return { requests: Number(requests), seconds: seconds * (count === '' ? 1 : Number(count)) };
}

/** Units for formatting, longest first. */
const FORMAT_UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'day'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** Formats a rate in the format that `--rate` accepts. Pure. */
export function formatRate(rate: Rate | null): string {
  if (rate === null) return 'unlimited';
  const [unitSeconds, unit] = FORMAT_UNITS.find(([seconds]) => rate.seconds % seconds === 0) ?? [1, 's'];
  const count = rate.seconds / unitSeconds;
  return `${rate.requests}/${count === 1 ? '' : count}${unit}`;
}

/**
 * Returns the restrictions that the options set, as the request field `restrictions`; no field if none is set. The
 * values `any` and `unlimited` remove a restriction. Error messages contain the `names` of the options.
 */
export function readRestrictions(
  { address, project, app, rate, maxUses }: RestrictionOptions,
  names = { rate: '--rate', maxUses: '--max-uses' },
): { restrictions?: RestrictionsInput } {
  const isAny = (values: readonly string[]) => values.length === 1 && values[0] === 'any';
  const listOf = (values: readonly string[]) => (isAny(values) ? [] : [...values]);
  const uses = maxUses === 'unlimited' ? null : parseCount(names.maxUses, maxUses);
  const restrictions = {
    ...(address !== undefined && { addresses: listOf(address) }),
    ...(project !== undefined && { projects: listOf(project) }),
    ...(app !== undefined && { apps: listOf(app) }),
    ...(rate !== undefined && { rate: rate === 'unlimited' ? null : parseRate(rate, names.rate) }),
    ...(uses !== undefined && { maxUses: uses }),
  };
  return Object.keys(restrictions).length === 0 ? {} : { restrictions };
}
