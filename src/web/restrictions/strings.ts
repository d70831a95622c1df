import { plural } from '../components/plural.ts';
import { formatList } from '../components/sentence.ts';

const formatCount = (value: number) => value.toLocaleString('en');

/** Periods that have a name, in seconds. */
const PERIODS: Readonly<Record<number, string>> = { 1: 'second', 60: 'minute', 3600: 'hour', 86400: 'day' };
const formatPeriod = (seconds: number) => PERIODS[seconds] ?? `${formatCount(seconds)} seconds`;

/** "100 requests per minute" */
export const describeRate = (requests: number, seconds: number): string =>
  `${plural(requests, { one: '1 request', other: `${formatCount(requests)} requests` })} per ${formatPeriod(seconds)}`;

export const strings = {
  fields: {
    title: 'Restrictions',
    optional: '(optional)',
    requiredByPolicy: 'Required by the workspace policy.',
    onlyFromAddresses: 'Only from certain addresses',
    addresses: 'Addresses',
    addressesDescription: (max: number) => `IP addresses and CIDR ranges, one per line, at most ${max}.`,
    addressesPlaceholder: '203.0.113.0/24',
    onlyOnResources: 'Only on certain projects and apps',
    resources: 'Projects and apps',
    resourcesDescription: (max: number) =>
      `A project includes all its apps. The credential has no access to other projects and apps. At most ${max} of each.`,
    resourcesPlaceholder: 'Search by name',
    projects: 'Projects',
    apps: 'Apps',
    noResourceFound: 'No matching projects or apps',
    deletedResource: (id: string) => `${id} (deleted)`,
    limitedRate: 'Only a limited number of requests per period',
    requests: 'Maximum number of requests',
    requestsDescription: (min: number, max: number) =>
      `${formatCount(min)} to ${formatCount(max)}. Requests above the maximum are rejected.`,
    period: 'Period',
    perPeriod: (seconds: number) => `per ${formatPeriod(seconds)}`,
    limitedUses: 'Only a limited number of uses',
    maxUses: 'Maximum number of uses',
    maxUsesDescription: (min: number, max: number) =>
      `${formatCount(min)} to ${formatCount(max)}. After the last use, requests are rejected.`,
  },
  offer: {
    addresses: (addresses: readonly string[]) => `Recently used from ${formatList(addresses)} only.`,
    apps: (names: readonly string[]) => `Recently used on ${formatList(names)} only.`,
    restrictToAddresses: (count: number) =>
      plural(count, { one: 'Restrict to this address', other: 'Restrict to these addresses' }),
    restrictToApps: (count: number) => plural(count, { one: 'Restrict to this app', other: 'Restrict to these apps' }),
  },
  validation: {
    addressesRequired: 'Enter at least one address. The workspace policy requires it.',
    addressesMissing: 'Enter at least one address',
    resourcesMissing: 'Choose at least one project or app',
    tooManyResources: (max: number) => `At most ${max} projects and ${max} apps`,
    tooManyAddresses: (max: number) => `At most ${max} addresses and ranges`,
    outOfRange: (min: number, max: number) => `Must be a whole number from ${formatCount(min)} to ${formatCount(max)}`,
    invalidAddress: (line: string) => `${line} is not an IP address or a CIDR range`,
  },
  summary: {
    onlyFrom: (addresses: readonly string[]) =>
      addresses.length === 1 ? `only from ${addresses[0]}` : `only from ${addresses.length} addresses and ranges`,
    noValidAddresses: 'no valid addresses entered yet',
    onlyOnNamed: (names: readonly string[]) => `only on ${formatList(names)}`,
    onlyOn: (projects: number, apps: number) => {
      const parts = [
        ...(projects > 0 ? [plural(projects, { one: '1 project', other: `${projects} projects` })] : []),
        ...(apps > 0 ? [plural(apps, { one: '1 app', other: `${apps} apps` })] : []),
      ];
      return `only on ${parts.join(' and ')}`;
    },
    noValidResources: 'no valid choice of projects and apps yet',
    rate: (requests: number, seconds: number) => `at most ${describeRate(requests, seconds)}`,
    noValidRate: 'no valid maximum number of requests entered yet',
    maxUses: (uses: number) =>
      plural(uses, { one: 'can be used once', other: `can be used ${formatCount(uses)} times` }),
    noValidMaxUses: 'no valid maximum number of uses entered yet',
  },
};
