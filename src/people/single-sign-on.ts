import type { RequestOrigin } from '../contract/audit.ts';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import type { SingleSignOnProblem } from '../contract/vocabulary.ts';
import { consumeSingleUse, findIdentity, findSingleUse, insertSingleUse } from '../store/identities.ts';
import { findPerson, type PersonRow } from '../store/people.ts';
import { checkFailureLimit, clientSubject, personAccount, recordFailure, throttleAttempt } from './attempt-throttle.ts';
import { type PeopleContext, randomCode, type SignedInPerson, sha256 } from './context.ts';
import { linkIdentity } from './identities.ts';
import { type Flow, type FlowPurpose, openFlow, openJson, sealFlow, sealJson } from './oidc-flow.ts';
import { type OidcProvider, type ProviderSignIn, SingleSignOnError } from './oidc-provider.ts';
import { signUpWithProviderAccount } from './provider-sign-up.ts';
import { checkSecondFactorCode, consumeSecondFactor } from './second-factor.ts';
import { type CreatedSession, recordSignInFailure } from './sessions.ts';
import { type AcceptedSignIn, completeProviderSignIn, freshUntil, lockAcceptedSignIn } from './sign-in-session.ts';

/** Returns the provider. Throws `not_found` if single sign-on is not set up. */
export function requireProvider({ singleSignOn }: PeopleContext): OidcProvider {
  if (singleSignOn !== null) return singleSignOn.provider;
  throw new Problem('not_found', 'Single sign-on is not set up on this server.');
}

/**
 * Starts a single sign-on. Returns the URL to which the browser must be sent, and the value of the cookie to set.
 * Throws `not_found` and `SingleSignOnError`.
 */
export async function startSingleSignOn(
  context: PeopleContext,
  purpose: FlowPurpose,
  options: { readonly redirectUri: string; readonly returnPath: string; readonly fresh: boolean },
): Promise<{ url: string; cookie: string }> {
  const provider = requireProvider(context);
  const request = await provider.createRequest(options.redirectUri, options.fresh);
  const url = await provider.authorizationUrl(request);
  const now = context.clock();
  const times = { startedAt: now, expiresAt: now + DURATIONS.singleSignOn };
  return { url, cookie: sealFlow(context, { request, purpose, returnPath: options.returnPath, ...times }) };
}

/** The outcome of the provider's response. `returnPath` is a path of the web UI. */
export type SingleSignOnOutcome =
  | { readonly kind: 'signed_in'; readonly session: CreatedSession; readonly returnPath: string }
  /** `pendingCode` identifies the sign-in that waits for a second factor. */
  | { readonly kind: 'second_factor'; readonly pendingCode: string; readonly returnPath: string }
  | { readonly kind: 'linked'; readonly returnPath: string }
  | {
      readonly kind: 'failed';
      readonly reason: SingleSignOnProblem;
      readonly message: string;
      readonly purpose: FlowPurpose['kind'];
      readonly returnPath: string;
    };

export interface CallbackRequest {
  /** The query of the URL, including `?`. */
  readonly search: string;
  /** The cookie that `startSingleSignOn` returned. */
  readonly cookie: string | null;
  /** The person who is signed in to Devpilot in the same browser. */
  readonly caller: SignedInPerson | null;
  readonly origin: RequestOrigin;
}

/**
 * Returns the flow of a response. Throws `SingleSignOnError` if the flow has expired or was started by another browser.
 */
function requireFlow(flow: Flow | null, search: string): Flow {
  if (flow === null || new URLSearchParams(search).get('state') !== flow.request.state) {
    throw new SingleSignOnError('expired', 'The response does not belong to a request of this browser.');
  }
  return flow;
}

/**
 * Exchanges the authorization code of a response. A response is accepted once across all nodes. Throws
 * `SingleSignOnError`.
 */
async function exchange(context: PeopleContext, flow: Flow, search: string): Promise<ProviderSignIn> {
  const signIn = await requireProvider(context).exchange(search, flow.request);
  const key = `state ${sha256(flow.request.state).toString('hex')}`;
  const isFirstUse = await context.store.transaction((trx) =>
    insertSingleUse(trx, { key, content: null, expires_at: flow.expiresAt }),
  );
  if (!isFirstUse) throw new SingleSignOnError('expired', 'The response was already used.');
  const { authenticatedAt } = signIn.account;
  const toleranceMs = 60_000;
  if (flow.request.fresh && authenticatedAt !== null && authenticatedAt < flow.startedAt - toleranceMs) {
    throw new SingleSignOnError('refused', 'The provider did not ask for a new sign-in.');
  }
  return signIn;
}

const pendingSignInKey = (pendingCode: string) => `second factor ${sha256(pendingCode).toString('hex')}`;
const PENDING_SIGN_IN_ASSOCIATED_DATA = 'single sign-on second factor';

/**
 * Stores a sign-in until the second factor is entered. Returns the code by which the browser identifies the sign-in.
 */
async function storePendingSignIn(context: PeopleContext, signIn: AcceptedSignIn): Promise<string> {
  const pendingCode = randomCode(43);
  const content = sealJson(context, signIn, PENDING_SIGN_IN_ASSOCIATED_DATA);
  const expiresAt = context.clock() + DURATIONS.singleSignOn;
  await context.store.transaction((trx) =>
    insertSingleUse(trx, { key: pendingSignInKey(pendingCode), content, expires_at: expiresAt }),
  );
  return pendingCode;
}

/** Finds or creates the person of an account at the provider. Throws `SingleSignOnError`. */
async function findOrSignUp(
  context: PeopleContext,
  { account }: ProviderSignIn,
  purpose: Extract<FlowPurpose, { kind: 'sign_in' }>,
  origin: RequestOrigin,
): Promise<{ person: PersonRow; isNew: boolean }> {
  const identity = await findIdentity(context.store.read, account.issuer, account.subject);
  if (identity === undefined) {
    return { person: (await signUpWithProviderAccount(context, account, purpose, origin)).person, isNew: true };
  }
  const person = await findPerson(context.store.read, identity.person_id);
  if (person === undefined) throw new SingleSignOnError('refused', 'The person no longer exists.');
  if (person.disabled === 1) throw new SingleSignOnError('disabled');
  return { person, isNew: false };
}

async function signInWithAccount(
  context: PeopleContext,
  flow: Flow,
  purpose: Extract<FlowPurpose, { kind: 'sign_in' }>,
  signIn: ProviderSignIn,
  origin: RequestOrigin,
): Promise<SingleSignOnOutcome> {
  const { account, refreshToken } = signIn;
  const { invitation } = purpose;
  const { person, isNew } = await findOrSignUp(context, signIn, purpose, origin);
  // A person who already has a Devpilot account accepts the invitation on its page.
  const returnPath = invitation !== null && !isNew ? `/accept-invitation#${invitation}` : flow.returnPath;
  const accepted = {
    personId: person.id,
    issuer: account.issuer,
    subject: account.subject,
    email: account.email,
    providerSession: account.providerSession,
    isMultiFactor: account.isMultiFactor,
    freshUntil: freshUntil(account.authenticatedAt, flow.request.fresh, context.clock()),
    refreshToken,
    acceptedAt: context.clock(),
    claims: account.claims,
  };
  if (person.totp_enabled === 1 && !account.isMultiFactor) {
    return { kind: 'second_factor', pendingCode: await storePendingSignIn(context, accepted), returnPath };
  }
  const detail = account.isMultiFactor ? { multiFactor: true } : {};
  const { session } = await completeProviderSignIn(context, accepted, origin, detail);
  return { kind: 'signed_in', session, returnPath };
}

async function linkToCaller(
  context: PeopleContext,
  flow: Flow,
  purpose: Extract<FlowPurpose, { kind: 'link' }>,
  { caller, origin }: CallbackRequest,
  { account }: ProviderSignIn,
): Promise<SingleSignOnOutcome> {
  if (caller?.personId !== purpose.personId || caller.sessionId !== purpose.sessionId) {
    throw new SingleSignOnError('expired', 'The session that requested the link has ended.');
  }
  await linkIdentity(context, caller, account, origin);
  return { kind: 'linked', returnPath: flow.returnPath };
}

/**
 * Processes the provider's response, which must arrive from the browser that started the sign-in or link. Returns the
 * outcome `failed` if the response is refused or the provider is unavailable. Throws `not_found` and `rate_limited`.
 */
export async function completeSingleSignOn(
  context: PeopleContext,
  request: CallbackRequest,
): Promise<SingleSignOnOutcome> {
  requireProvider(context);
  const { origin } = request;
  const client = clientSubject(origin, 'single sign-on');
  await checkFailureLimit(context, client);
  const flow = openFlow(context, request.cookie);
  try {
    const current = requireFlow(flow, request.search);
    const { purpose } = current;
    const signIn = await exchange(context, current, request.search);
    return purpose.kind === 'link'
      ? await linkToCaller(context, current, purpose, request, signIn)
      : await signInWithAccount(context, current, purpose, signIn, origin);
  } catch (error) {
    const isExpected =
      error instanceof SingleSignOnError || (error instanceof Problem && error.code === 'invalid_token');
    if (!isExpected) throw error;
    const reason = error instanceof SingleSignOnError ? error.reason : 'expired';
    if (reason === 'refused' || reason === 'expired') await recordFailure(context, client);
    if (reason !== 'unavailable') await recordSignInFailure(context, undefined, origin, `single_sign_on_${reason}`);
    const purpose = flow?.purpose.kind ?? 'sign_in';
    return { kind: 'failed', reason, message: error.message, purpose, returnPath: flow?.returnPath ?? '/' };
  }
}

/**
 * Completes a sign-in that waits for a second factor. Throws `sign_in_failed` if the second factor is wrong or the
 * sign-in has expired or is refused, and `rate_limited`.
 */
export async function completeSecondFactor(
  context: PeopleContext,
  pendingCode: string | null,
  secondFactorCode: string,
  origin: RequestOrigin,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const { store, clock } = context;
  const key = pendingSignInKey(pendingCode ?? '');
  const content = pendingCode === null ? undefined : await findSingleUse(store.read, key, clock());
  const signIn = openJson(context, content ?? '', PENDING_SIGN_IN_ASSOCIATED_DATA) as AcceptedSignIn | null;
  const person = signIn === null ? undefined : await findPerson(store.read, signIn.personId);
  if (signIn === null || person === undefined) {
    throw new Problem('sign_in_failed', 'The sign-in has expired. Start again.');
  }
  const throttledAccount = personAccount(person.id);
  const completed = await throttleAttempt(context, throttledAccount, origin.address ?? '', {
    verify: () => checkSecondFactorCode(context, person, secondFactorCode),
    complete: async (factor) => {
      const isUnused = await store.transaction(async (trx) => {
        await lockAcceptedSignIn(trx, signIn);
        return (await consumeSecondFactor(trx, person.id, factor)) && (await consumeSingleUse(trx, key));
      });
      if (!isUnused) return null;
      const secondFactor = 'step' in factor ? 'totp' : 'recovery_code';
      return completeProviderSignIn(context, signIn, origin, { secondFactor });
    },
  }).catch((error: unknown) => {
    throw error instanceof SingleSignOnError
      ? new Problem('sign_in_failed', 'The sign-in was refused. Start again.')
      : error;
  });
  if (completed !== null) return completed;
  await recordSignInFailure(context, person, origin, 'sign_in_failed');
  throw new Problem('sign_in_failed', 'Incorrect code.');
}
