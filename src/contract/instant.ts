/** Instants of the contract (section 4): ISO 8601 UTC with milliseconds, years 1970 to 9999. Runs in a browser. */
import { z } from 'zod';

/** Epoch milliseconds of the last instant that the contract has a form for. */
export const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

const FIRST_YEAR = '1970';
const examples = ['2027-02-24T09:00:00.000Z'];

/** An instant as every response writes it. */
export const instant = z.iso
  .datetime({ precision: 3 })
  .refine((text) => text >= FIRST_YEAR, 'must be a date-time from 1970 to 9999')
  .meta({ examples });
export const nullableInstant = instant.nullable();

/**
 * An instant with its time zone as every request gives it; becomes what `instant` accepts, so that whatever is
 * stored can be read again. An offset can carry either end of the range into a year beyond it.
 */
export const instantInput = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 date-time with a time zone, such as 2027-02-24T09:00:00Z' })
  .overwrite((text) => {
    const epochMs = Date.parse(text);
    return Number.isNaN(epochMs) ? text : new Date(epochMs).toISOString();
  })
  .refine((text) => /^\d{4}-/.test(text) && text >= FIRST_YEAR, 'must be a date-time from 1970 to 9999')
  .meta({ examples });
