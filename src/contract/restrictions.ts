import { z } from 'zod';
import { formatAddressRange, parseAddressRange } from './address-ranges.ts';
import { integerInRange, matchingText } from './fields.ts';
import { RESTRICTION_LIMITS } from './limits.ts';

const { entries, rateRequests, rateSeconds, maxUses } = RESTRICTION_LIMITS;
const TOO_MANY = `must contain at most ${entries} entries`;

/** An address range. It is converted to the canonical form, so that equal ranges are equal texts. */
const addressRange = z
  .string()
  .max(64, 'must be an IP address or a CIDR range')
  .refine((text) => parseAddressRange(text) !== null, 'must be an IP address or a CIDR range')
  .overwrite((text) => {
    const range = parseAddressRange(text);
    return range === null ? text : formatAddressRange(range);
  })
  .meta({ examples: ['203.0.113.0/24'] });
const rate = z
  .strictObject({ requests: integerInRange(rateRequests, 100), seconds: integerInRange(rateSeconds, 60) })
  .nullable();

const unique = (list: string[]): string[] => [...new Set(list)];
const addresses = z
  .array(addressRange)
  .max(entries, TOO_MANY)
  .overwrite(unique)
  .describe(
    'IP addresses and CIDR ranges (IPv4, IPv6) from which the credential can be used; if empty, from any address',
  );
const idOrSlug = matchingText(/^[\w-]+$/, 64, 'must be an ID or a slug', 'shop');
const resources = (noun: string) =>
  z
    .array(idOrSlug)
    .max(entries, TOO_MANY)
    .describe(`IDs or slugs of the ${noun} to which the credential is restricted`);

/** Restrictions in a request. Whether the projects and apps exist is not checked here. */
export const RestrictionsInput = z
  .strictObject({
    addresses: addresses.optional(),
    projects: resources('projects, each with all its apps,').optional(),
    apps: resources('apps').optional(),
    rate: rate.optional().describe('Maximum number of requests per number of seconds, enforced with a token bucket'),
    maxUses: integerInRange(maxUses, 1)
      .nullable()
      .optional()
      .describe('Maximum number of uses, counted from the time at which the maximum is set'),
  })
  .describe(
    'From where, for which resources and how often the credential can be used. Omitted members restrict nothing in a new credential, and keep their value in an edit.',
  )
  .meta({ id: 'RequestedRestrictions' });
export type RestrictionsInput = z.infer<typeof RestrictionsInput>;

export const Restrictions = z
  .object({
    addresses: z.array(z.string()).meta({ examples: [['203.0.113.0/24']] }),
    projects: z.array(z.string()).describe('IDs of projects'),
    apps: z.array(z.string()).describe('IDs of apps. If both lists are empty, the whole workspace is allowed'),
    rate: z.object({ requests: z.int(), seconds: z.int() }).nullable(),
    maxUses: z.int().nullable(),
  })
  .meta({ id: 'Restrictions' });
export type Restrictions = z.infer<typeof Restrictions>;

export const NO_RESTRICTIONS: Restrictions = { addresses: [], projects: [], apps: [], rate: null, maxUses: null };
