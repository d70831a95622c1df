import type { RequestOrigin } from '../contract/audit.ts';
import type { RateState } from '../contract/problem.ts';
import { type Decision, decide, type PassphraseResult } from './decision.ts';
import type { FindRecord } from './find-record.ts';
import { createFindBySecret, type ForeignPrefixes, NO_FOREIGN_PREFIXES } from './foreign-prefixes.ts';
import type { PassphraseVerifier } from './passphrase-verifier.ts';
import type { CredentialRecord } from './record.ts';
import type { RecordRegistry } from './registry.ts';
import { decideUse, type ResourceCheck, type UseCounting } from './restricted-use.ts';
import type { CompiledRestrictions } from './restrictions.ts';
import { exercisedMaskOf, type Requirement } from './rights.ts';
import { digestOf, secretKindOf } from './secret.ts';
import type { UsageRecorder } from './usage-recorder.ts';

/** The credential that a request presents, and what the request is about. */
export interface AuthenticationRequest extends RequestOrigin {
  readonly secret: string;
  readonly passphrase: string | null;
  /** The client's address. Forwarding headers are used only if a trusted proxy sent them. */
  readonly address: string;
  /** The ID or slug of the app that the request is about. Exercised rights are counted per app. */
  readonly app?: string | null;
  /** True if the request is decided again later, with its full requirement. A preliminary decision counts no use. */
  readonly isPreliminary?: boolean;
  /** Returns whether the workspace is the one that the request names; absent if it names none. */
  readonly checkWorkspace?: ((workspaceId: string) => boolean | Promise<boolean>) | undefined;
  /** Checks the resource that the request is about; absent if that resource belongs to no project or app. */
  readonly checkResource?: ResourceCheck | undefined;
  /**
   * True if the decision takes none of the credential's limited uses and ignores its rate limit. It is still counted as
   * a use.
   */
  readonly keepsLimitedUses?: boolean;
}

export interface AuthenticationResult {
  readonly decision: Decision;
  /** Present for refusals too, so that they can be logged; null if the credential is unknown. */
  readonly record: CredentialRecord | null;
  /**
   * The state of the credential's rate limit after the decision; absent or null if the credential has no limit, or the
   * limit was not checked.
   */
  readonly rate?: RateState | null;
}

/** Whether both credentials are restricted to the same projects and apps. Pure. */
function haveSameResources(
  first: CompiledRestrictions['resources'],
  second: CompiledRestrictions['resources'],
): boolean {
  if (first === null || second === null || first === second) return first === second;
  const projectDifference = first.projects.symmetricDifference(second.projects);
  const appDifference = first.apps.symmetricDifference(second.apps);
  return projectDifference.size === 0 && appDifference.size === 0;
}

const UNKNOWN_CREDENTIAL: AuthenticationResult = { decision: 'invalid_token', record: null };

/** Called with every result, for metrics and the activity log. Must not throw. */
export type AuthenticationListener = (
  result: AuthenticationResult,
  request: AuthenticationRequest,
  requirement: Requirement,
) => void;

export interface CredentialAuthenticator {
  /**
   * Returns the decision for a presented credential, and counts a use if it is `ok` and not preliminary. Synchronous if
   * the record is cached, no passphrase has to be hashed, no workspace or resource has to be looked up, and the store
   * is not needed to count the use (see `decideUse`). Rejects with `unavailable` if the store cannot be reached or too
   * many hashes are waiting, and with `rate_limited` if the address has presented too many unknown secrets.
   */
  authenticate(
    request: AuthenticationRequest,
    requirement: Requirement,
  ): AuthenticationResult | Promise<AuthenticationResult>;
}

export function createCredentialAuthenticator(options: {
  registry: Pick<RecordRegistry, 'findCached'>;
  findRecord: FindRecord;
  /** Prefixes of other systems whose secrets are accepted. Default: none. */
  foreignPrefixes?: ForeignPrefixes;
  passphraseVerifier: PassphraseVerifier;
  usageRecorder: UsageRecorder;
  useCounting: UseCounting;
  clock: () => number;
  /**
   * The wall clock as `registry.findCached` last read it, in epoch milliseconds: saves a second read of the clock per
   * request. Default: `clock`.
   */
  lastWallTime?: () => number;
  onResult?: AuthenticationListener;
}): CredentialAuthenticator {
  const {
    registry,
    findRecord,
    foreignPrefixes = NO_FOREIGN_PREFIXES,
    passphraseVerifier,
    usageRecorder,
    useCounting,
    clock,
    lastWallTime = clock,
    onResult,
  } = options;
  const findBySecret = createFindBySecret(findRecord, foreignPrefixes);

  function finish(
    result: AuthenticationResult,
    request: AuthenticationRequest,
    requirement: Requirement,
    now: number,
  ): AuthenticationResult {
    const { decision, record } = result;
    if (decision === 'ok' && record !== null && request.isPreliminary !== true) {
      const needed = requirement[record.kind];
      const exercised = needed === null ? 0 : exercisedMaskOf(record.kind, record.rights, needed);
      usageRecorder.count(record, request.address, now, exercised, request.app);
    }
    onResult?.(result, request, requirement);
    return result;
  }

  /**
   * Returns the decision on `record`, which is null if the secret is unknown. Asynchronous only if a workspace or
   * resource has to be looked up, or the store is needed to count the use.
   */
  function conclude(
    record: CredentialRecord | null,
    passphrase: PassphraseResult,
    request: AuthenticationRequest,
    requirement: Requirement,
    now: number,
  ): AuthenticationResult | Promise<AuthenticationResult> {
    const restrictions = record?.restrictions ?? null;
    const isSpent = restrictions?.spent === true;
    const decision = decide(record, passphrase, requirement, now, request.address, isSpent);
    if (record === null || decision !== 'ok') return finish({ decision, record }, request, requirement, now);
    const isRequestedWorkspace = request.checkWorkspace?.(record.workspace.id) ?? true;
    if (isRequestedWorkspace instanceof Promise)
      return concludeAfterWorkspaceCheck(isRequestedWorkspace, passphrase, request, requirement);
    if (!isRequestedWorkspace) return finish({ decision: 'other_workspace', record }, request, requirement, now);
    if (restrictions === null) return finish({ decision, record }, request, requirement, now);
    const { resources } = restrictions;
    const isAllowed = resources === null || (request.checkResource?.(resources, record.workspace.id) ?? true);
    if (isAllowed instanceof Promise) {
      return concludeAfterResourceCheck(isAllowed, restrictions, passphrase, request, requirement);
    }
    if (!isAllowed) return finish({ decision: 'resource_not_allowed', record }, request, requirement, now);
    const isLimitedUse = request.keepsLimitedUses !== true && request.isPreliminary !== true;
    const useDecision = decideUse(record, restrictions, now, isLimitedUse ? useCounting : null);
    if (useDecision instanceof Promise)
      return useDecision.then((resolved) => finish({ ...resolved, record }, request, requirement, now));
    return finish({ ...useDecision, record }, request, requirement, now);
  }

  /** Looks the record up again, because it may have been revoked or edited during the check. */
  async function concludeAfterWorkspaceCheck(
    check: Promise<boolean>,
    passphrase: PassphraseResult,
    request: AuthenticationRequest,
    requirement: Requirement,
  ): Promise<AuthenticationResult> {
    const isRequested = await check;
    const record = await findBySecret(request.secret, request.address);
    return conclude(record, passphrase, { ...request, checkWorkspace: () => isRequested }, requirement, clock());
  }

  /**
   * Looks the record up again, because it may have been revoked or edited during the check. If an edit changed its
   * resources, the resource is checked again.
   */
  async function concludeAfterResourceCheck(
    check: Promise<boolean>,
    checkedRestrictions: CompiledRestrictions,
    passphrase: PassphraseResult,
    request: AuthenticationRequest,
    requirement: Requirement,
  ): Promise<AuthenticationResult> {
    const isAllowed = await check;
    const record = await findBySecret(request.secret, request.address);
    const isUnchanged = haveSameResources(record?.restrictions?.resources ?? null, checkedRestrictions.resources);
    const checkResource = isUnchanged ? () => isAllowed : request.checkResource;
    return conclude(record, passphrase, { ...request, checkResource }, requirement, clock());
  }

  /**
   * Authenticates with a record that is read from the store if it is not cached. If a passphrase had to be hashed,
   * looks the record up again, because it may have been revoked during the hash.
   */
  async function authenticateAsync(
    request: AuthenticationRequest,
    requirement: Requirement,
  ): Promise<AuthenticationResult> {
    let record = await findBySecret(request.secret, request.address);
    let passphrase: PassphraseResult = 'not_needed';
    if (record !== null) {
      const cachedResult = passphraseVerifier.checkCached(record, request.passphrase, request.address, clock());
      passphrase =
        cachedResult ?? (await passphraseVerifier.verify(record, request.passphrase ?? '', request.address, clock));
      if (cachedResult === null) record = await findBySecret(request.secret, request.address);
    }
    return conclude(record, passphrase, request, requirement, clock());
  }

  return {
    authenticate(request, requirement) {
      const kind = secretKindOf(request.secret);
      if (kind === null && foreignPrefixes.hasDeclaredPrefix(request.secret))
        return authenticateAsync(request, requirement);
      if (kind === null || kind === 'session') return finish(UNKNOWN_CREDENTIAL, request, requirement, clock());
      const cachedRecord = registry.findCached(digestOf(request.secret));
      if (cachedRecord === null) return authenticateAsync(request, requirement);
      const now = lastWallTime();
      const passphrase = passphraseVerifier.checkCached(cachedRecord, request.passphrase, request.address, now);
      if (passphrase === null) return authenticateAsync(request, requirement);
      return conclude(cachedRecord, passphrase, request, requirement, now);
    },
  };
}
