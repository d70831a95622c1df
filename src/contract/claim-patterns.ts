/**
 * The conditions of a workload identity: which claims of a token must have which values. Also runs in browsers.
 * Claims and patterns are compared code unit by code unit, without case folding or Unicode normalization.
 */

/** The claims of a token by name. */
export type Claims = Readonly<Record<string, unknown>>;
/** Patterns by the name of a claim. `*` matches any number of characters, including none. */
export type ClaimConditions = Readonly<Record<string, string>>;

/** A claim of a token that does not meet a condition or check, and why. */
export interface ClaimFailure {
  readonly claim: string;
  readonly message: string;
}

/**
 * Returns whether a value matches a pattern. Each part between two `*` is searched for once, from left to right. Pure.
 */
export function matchesPattern(value: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return value === pattern;
  if (!value.startsWith(first) || !value.endsWith(last)) return false;
  let position = first.length;
  for (const part of others) {
    const index = value.indexOf(part, position);
    if (index === -1) return false;
    position = index + part.length;
  }
  return position + last.length <= value.length;
}

/** Maximum length of a value in UTF-16 code units. A longer value meets no condition. */
const MAX_VALUE_LENGTH = 4096;

/**
 * Returns a claim as text, for comparison with conditions. Returns null if the claim is absent, too long, or not a
 * string, a boolean or an integer that a double represents exactly. Pure.
 */
export function claimText(claims: Claims, name: string): string | null {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (typeof value === 'string') return value.length <= MAX_VALUE_LENGTH ? value : null;
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  return null;
}

/**
 * Events by the claim that names them. People outside of a repository can trigger these events, although the token
 * names the repository and often its default branch. GitHub triggers `pull_request_target` and `workflow_run` for pull
 * requests from forks, and other events for comments and issues. In pipelines of merge requests, GitLab's tokens
 * contain the name of the source branch. In a fork, that branch can have the name of the default branch. A token for
 * such an event is accepted only if a condition on this claim names the event.
 */
const UNTRUSTED_EVENTS: Readonly<Record<string, readonly string[]>> = {
  event_name: [
    'pull_request',
    'pull_request_target',
    'pull_request_review',
    'pull_request_review_comment',
    'workflow_run',
    'issues',
    'issue_comment',
    'discussion',
    'discussion_comment',
    'fork',
    'watch',
  ],
  pipeline_source: ['merge_request_event', 'external_pull_request_event'],
};

function conditionFailure(claims: Claims, claim: string, pattern: string): ClaimFailure | null {
  const value = claimText(claims, claim);
  if (value !== null && matchesPattern(value, pattern)) return null;
  const requirement = `must ${pattern.includes('*') ? 'match' : 'be'} "${pattern}"`;
  if (!Object.hasOwn(claims, claim)) return { claim, message: `${requirement}, but the token has no such claim` };
  if (value === null) {
    const problem =
      typeof claims[claim] === 'string'
        ? `longer than ${MAX_VALUE_LENGTH} characters`
        : 'not a string, a boolean or a whole number';
    return { claim, message: `${requirement}, but it is ${problem}` };
  }
  return { claim, message: `${requirement}, but it is "${value.slice(0, 200)}"` };
}

/** Returns the conditions that the claims do not meet, and the untrusted events that no condition names. Pure. */
export function unmetConditions(claims: Claims, conditions: ClaimConditions): ClaimFailure[] {
  const failures = Object.entries(conditions).flatMap(
    ([claim, pattern]) => conditionFailure(claims, claim, pattern) ?? [],
  );
  for (const [claim, events] of Object.entries(UNTRUSTED_EVENTS)) {
    const event = claimText(claims, claim);
    if (event === null || !events.includes(event) || conditions[claim] === event) continue;
    const message = `is "${event}", which people outside of the repository can trigger. To accept it, add a condition on ${claim} with this value`;
    failures.push({ claim, message });
  }
  return failures;
}

/**
 * Returns why the issuer or the audience of the claims is not accepted. The audience must be only the expected one, as
 * a string or a list: a token with several audiences is rejected, because any of them could replay it. Pure.
 */
export function issuerAndAudienceFailures(
  claims: Claims,
  { issuer, audience }: { readonly issuer: string; readonly audience: string },
): ClaimFailure[] {
  const failures: ClaimFailure[] = [];
  if (claims['iss'] !== issuer) failures.push({ claim: 'iss', message: `must be "${issuer}"` });
  const { aud } = claims;
  const [first, ...others] = Array.isArray(aud) ? (aud as unknown[]) : [aud];
  if (first !== audience || others.length > 0)
    failures.push({ claim: 'aud', message: `must be "${audience}", and nothing else` });
  return failures;
}

/** Tolerated difference between the clocks of the issuer and this server. */
const CLOCK_SKEW_SECONDS = 60;
/** Workload tokens are usually valid for minutes. A token that expires later than this from now is not accepted. */
const MAX_REMAINING_SECONDS = 86_400;

const TIME_MESSAGE = 'must be a number of seconds since 1970';

/** Returns why the times of the claims are not accepted at `now` (epoch milliseconds). Pure. */
export function timeFailures(claims: Claims, now: number): ClaimFailure[] {
  const seconds = now / 1000;
  const failures: ClaimFailure[] = [];
  const { exp } = claims;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) failures.push({ claim: 'exp', message: TIME_MESSAGE });
  else if (exp + CLOCK_SKEW_SECONDS <= seconds) failures.push({ claim: 'exp', message: 'is in the past' });
  else if (exp > seconds + MAX_REMAINING_SECONDS + CLOCK_SKEW_SECONDS)
    failures.push({ claim: 'exp', message: 'must be at most one day in the future' });
  for (const claim of ['nbf', 'iat'] as const) {
    const value = claims[claim];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value)) failures.push({ claim, message: TIME_MESSAGE });
    else if (value > seconds + CLOCK_SKEW_SECONDS) failures.push({ claim, message: 'is in the future' });
  }
  return failures;
}

/**
 * Returns the time until which a token with these claims is accepted, in epoch milliseconds. `exp` can contain
 * fractions of a second. Pure.
 */
export const acceptedUntil = ({ exp }: Claims): number => Math.ceil((Number(exp) + CLOCK_SKEW_SECONDS) * 1000);
