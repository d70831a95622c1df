import { clientNetwork } from '../authorization/client-network.ts';
import { hashPassphrase } from '../authorization/passphrase.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { email as emailSchema, personName } from '../contract/fields.ts';
import { createId } from '../contract/id.ts';
import { Problem } from '../contract/problem.ts';
import { type IdentityRow, insertIdentity } from '../store/identities.ts';
import { consumeSetupCode, deleteSetupCode, findPersonByEmail, type PersonRow } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import { emailKey, type PeopleContext, personPartyOf, randomCode, recordForPerson, sha256 } from './context.ts';
import { acceptInvitationInTransaction } from './invitations.ts';
import type { ProviderAccount } from './oidc-claims.ts';
import type { FlowPurpose } from './oidc-flow.ts';
import { SingleSignOnError } from './oidc-provider.ts';
import { insertNewPerson, isFirstPerson, newPersonRow } from './sign-up.ts';

/**
 * Links an account at the provider to a person, and records the link. Throws `SingleSignOnError` if the account is
 * already linked.
 */
export async function addIdentity(
  trx: Trx,
  person: PersonRow,
  account: ProviderAccount,
  origin: RequestOrigin,
  now: number,
): Promise<IdentityRow> {
  const identity = {
    id: createId('identity', now),
    person_id: person.id,
    issuer: account.issuer,
    subject: account.subject,
    email: account.email,
    created_at: now,
    last_used_at: now,
  };
  if (!(await insertIdentity(trx, identity))) throw new SingleSignOnError('linked_to_another');
  const party = personPartyOf(person);
  const detail = { issuer: account.issuer, email: account.email };
  await recordForPerson(trx, person.id, {
    action: 'person.identity_linked',
    at: now,
    actor: party,
    target: party,
    origin,
    detail,
  });
  return identity;
}

/** Returns the provider's name for a new person if it is valid, otherwise the local part of the email address. */
function nameOf(account: ProviderAccount, email: string): string {
  const name = personName.safeParse(account.name ?? '');
  return name.success ? name.data : (email.split('@')[0] ?? email);
}

/** Accepts an invitation during a sign-up. Throws a `SingleSignOnError` instead of a `Problem`. */
async function acceptInvitationOrRefuse(...args: Parameters<typeof acceptInvitationInTransaction>): Promise<void> {
  try {
    await acceptInvitationInTransaction(...args);
  } catch (error) {
    if (error instanceof Problem) throw new SingleSignOnError('invitation_invalid', error.message);
    throw error;
  }
}

/**
 * Creates a person for a provider account that is not linked to anyone. Throws `SingleSignOnError` if the sign-up is
 * not allowed, for example if a person already has the email address: that person must sign in and link the provider
 * account. Otherwise anyone who can set an email address at the provider could take over the person's Devpilot account
 * (the "nOAuth" attack).
 */
export async function signUpWithProviderAccount(
  context: PeopleContext,
  account: ProviderAccount,
  { invitation, setupCode }: Extract<FlowPurpose, { kind: 'sign_in' }>,
  origin: RequestOrigin,
): Promise<{ person: PersonRow; identity: IdentityRow }> {
  const { store, clock, singleSignOn } = context;
  const now = clock();
  const email = emailSchema.safeParse(account.verifiedEmail ?? '');
  if (!email.success) throw new SingleSignOnError('not_verified');
  const existing = await findPersonByEmail(store.read, emailKey(email.data));
  if (existing !== undefined) throw new SingleSignOnError('account_exists');
  if (invitation === null && setupCode === null && singleSignOn?.signUp !== true) {
    throw new SingleSignOnError('no_account');
  }
  // This random password is known to no one. It can only be replaced through a reset link.
  const passwordHash = await hashPassphrase(randomCode(43), clientNetwork(origin.address ?? ''));
  return store.transaction(async (trx) => {
    const isFirst = await isFirstPerson(trx);
    const hasSetupCode = setupCode !== null && (await consumeSetupCode(trx, sha256(setupCode)));
    // The first person becomes the operator, and only the setup code permits that. Later, no setup code is valid.
    if (isFirst ? !hasSetupCode : setupCode !== null) throw new SingleSignOnError('no_account');
    await deleteSetupCode(trx);
    const row = newPersonRow({ name: nameOf(account, email.data), email: email.data }, passwordHash, now);
    const person = { ...row, operator: isFirst ? 1 : 0 };
    try {
      await insertNewPerson(trx, person);
    } catch (error) {
      if (error instanceof Problem) throw new SingleSignOnError('account_exists');
      throw error;
    }
    if (invitation !== null) await acceptInvitationOrRefuse(trx, person, invitation, origin, now);
    const party = personPartyOf(person);
    await recordForPerson(trx, person.id, {
      action: 'person.signed_up',
      at: now,
      actor: party,
      target: party,
      origin,
      detail: {},
    });
    return { person, identity: await addIdentity(trx, person, account, origin, now) };
  });
}
