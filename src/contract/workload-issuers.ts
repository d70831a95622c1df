import type { ClaimConditions } from './claim-patterns.ts';

/** The known issuers of workload tokens, and what their claims mean. Also runs in browsers. */

export const WORKLOAD_PROVIDERS = ['github', 'gitlab', 'kubernetes', 'buildkite', 'circleci', 'other'] as const;
export type WorkloadProvider = (typeof WORKLOAD_PROVIDERS)[number];

interface WorkloadIssuer {
  /** Matches the issuers of the provider; absent if every installation has its own issuer. */
  readonly issuer?: RegExp;
  /**
   * Claims by which a condition can identify one repository, project or service account. The condition's pattern must
   * match the regular expression of the claim, which allows `*` only after the identifying part. If the regular
   * expression is null, the pattern must not contain `*` at all.
   */
  readonly claims: Readonly<Record<string, RegExp | null>>;
  /** An example of an accepted condition, for error messages. */
  readonly example: string;
}

const ISSUERS: Readonly<Record<Exclude<WorkloadProvider, 'other'>, WorkloadIssuer>> = {
  github: {
    issuer: /^https:\/\/token\.actions\.(?:githubusercontent\.com|[a-z0-9-]+\.ghe\.com)(?:\/[\w.-]+)?$/,
    // `job_workflow_ref` is not listed: it names a reusable workflow, and anyone can call a public one. A repository
    // chooses the template of its `sub`, so a `sub` identifies a repository only if it begins with the repository.
    claims: {
      sub: /^(?:repo|repository):[^:/*]+\/[^:/*]+(?::|$)|^repository_id:\d+(?::|$)/,
      repository: null,
      repository_id: null,
      workflow_ref: /^[^/*]+\/[^/*]+\/\.github\/workflows\/[^*@]+@/,
    },
    example: 'repository: acme/shop, or sub: repo:acme/shop:*',
  },
  gitlab: {
    issuer: /^https:\/\/gitlab\.com$/,
    claims: { sub: /^project_path:[^:*]+\/[^:*]+:/, project_path: null, project_id: null },
    example: 'project_path: acme/shop, or sub: project_path:acme/shop:*',
  },
  kubernetes: {
    claims: { sub: /^system:serviceaccount:[^:*]+:[^:*]+$/ },
    example: 'sub: system:serviceaccount:shop:deployer',
  },
  buildkite: {
    issuer: /^https:\/\/agent\.buildkite\.com$/,
    claims: { sub: /^organization:[^:*]+:pipeline:[^:*]+:/, pipeline_id: null },
    example: 'sub: organization:acme:pipeline:shop:*',
  },
  circleci: {
    issuer: /^https:\/\/oidc\.circleci\.com\/org\/[0-9a-f-]+$/,
    claims: { sub: /^org\/[^/*]+\/project\/[^/*]+\//, 'oidc.circleci.com/project-id': null },
    example: 'oidc.circleci.com/project-id: the ID of the project',
  },
};

/** Returns the provider of an issuer; `other` if the issuer is not known. Pure. */
export function providerOf(issuer: string): WorkloadProvider {
  const known = Object.entries(ISSUERS).find(([, { issuer: pattern }]) => pattern?.test(issuer));
  return known === undefined ? 'other' : (known[0] as WorkloadProvider);
}

function isIdentifying({ claims }: WorkloadIssuer, claim: string, value: string): boolean {
  if (!Object.hasOwn(claims, claim)) return false;
  const identifyingPattern = claims[claim] ?? null;
  return identifyingPattern === null ? !value.includes('*') : identifyingPattern.test(value);
}

/**
 * Returns an error message if conditions would trust more than one repository, project or service account, otherwise
 * null. All conditions must be met, so one identifying condition is enough. For an unknown issuer, such as a
 * self-hosted GitLab or GitHub, it can be an identifying claim of any known issuer, or a `sub` without `*`. Pure.
 */
export function identificationProblem(issuer: string, conditions: ClaimConditions): string | null {
  const provider = providerOf(issuer);
  const issuers = provider === 'other' ? Object.values(ISSUERS) : [ISSUERS[provider]];
  const hasCompleteSubject = conditions['sub']?.includes('*') === false;
  if (provider === 'other' && hasCompleteSubject) return null;
  const isIdentified = Object.entries(conditions).some(([claim, value]) =>
    issuers.some((known) => isIdentifying(known, claim, value)),
  );
  if (isIdentified) return null;
  const claimNames = new Set(issuers.flatMap(({ claims }) => Object.keys(claims)));
  const example = provider === 'other' ? 'sub: the complete subject' : ISSUERS[provider].example;
  return (
    'must identify one repository, project or service account, with its complete name before any *. Use one of: ' +
    `${[...claimNames].join(', ')} (for example ${example})`
  );
}

/**
 * Returns why a text is not accepted as the URL of an issuer or of its keys, or null. Plain http is accepted for
 * loopback addresses only, for tests. Pure.
 */
export function issuerUrlProblem(text: string): string | null {
  const url = /^https?:\/\/[\x21-\x7e]+$/.test(text) ? URL.parse(text) : null;
  if (url === null) return 'must be an https:// URL';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  if (text.includes('#')) return 'must not contain a fragment';
  const isLoopback =
    url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
  return url.protocol === 'https:' || isLoopback ? null : 'must be an https:// URL';
}
