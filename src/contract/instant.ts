/** Timestamps of the contract: ISO 8601 UTC with milliseconds, years 1970 to 9999. Runs in browsers. */
import { z } from 'zod';

/** The last timestamp that the contract can represent, in epoch milliseconds. */
export const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

const FIRST_YEAR = '1970';
const examples = ['2027-02-24T09:00:00.000Z'];

/** Returns a timestamp in the format of responses. */
export const toIsoString = (epochMs: number): string => new Date(epochMs).toISOString();
export const toIsoStringOrNull = (epochMs: number | null): string | null =>
  epochMs === null ? null : toIsoString(epochMs);

/** A timestamp in the format of responses. */
export const instant = z.iso
  .datetime({ precision: 3 })
  .refine((text) => text >= FIRST_YEAR, 'must be a date-time from 1970 to 9999')
  .meta({ examples });
export const nullableInstant = instant.nullable();

/**
 * A timestamp with a time zone, as requests contain it. It is converted to the format of `instant`, so that every
 * stored value can be read back. The range of years is checked after the conversion, because an offset can change the
 * year.
 */
export const instantInput = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 date-time with a time zone, such as 2027-02-24T09:00:00Z' })
  .overwrite((text) => {
    const epochMs = Date.parse(text);
    return Number.isNaN(epochMs) ? text : new Date(epochMs).toISOString();
  })
  .refine((text) => /^\d{4}-/.test(text) && text >= FIRST_YEAR, 'must be a date-time from 1970 to 9999')
  .meta({ examples });
