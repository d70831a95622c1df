import type { RequestOrigin } from '../contract/audit.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { Problem } from '../contract/problem.ts';
import type { Identity, OwnSingleSignOn } from '../contract/single-sign-on.ts';
import {
  deleteIdentity,
  deleteIdentitySessions,
  findIdentity,
  findSessionSignIn,
  type IdentityRow,
  listIdentities,
} from '../store/identities.ts';
import { deleteAnsweredDeviceCodes } from '../store/person-access.ts';
import { emailKey, type PeopleContext, personPartyOf, recordForPerson, type SignedInPerson } from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import type { ProviderAccount } from './oidc-claims.ts';
import { SingleSignOnError } from './oidc-provider.ts';
import { addIdentity } from './provider-sign-up.ts';

const MAX_IDENTITIES = 10;

function serializeIdentity(row: IdentityRow): Identity {
  const { id, email } = row;
  return { id, email, createdAt: toIsoString(row.created_at), lastUsedAt: toIsoString(row.last_used_at) };
}

/**
 * Returns the caller's linked provider accounts, and the time until which the current session counts as recently
 * authenticated.
 */
export async function getOwnSingleSignOn(context: PeopleContext, caller: SignedInPerson): Promise<OwnSingleSignOn> {
  const { store, clock, singleSignOn } = context;
  const confirmedUntil = (await findSessionSignIn(store.read, caller.sessionId))?.fresh_until ?? 0;
  return {
    name: singleSignOn?.provider.name ?? null,
    identities: (await listIdentities(store.read, caller.personId)).map(serializeIdentity),
    confirmedUntil: toIsoStringOrNull(confirmedUntil > clock() ? confirmedUntil : null),
  };
}

/**
 * Links a provider account to the signed-in person who requested the link. The account's verified email address must be
 * the person's. Throws `SingleSignOnError` and `invalid_token`.
 */
export async function linkIdentity(
  context: PeopleContext,
  caller: SignedInPerson,
  account: ProviderAccount,
  origin: RequestOrigin,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    const person = await lockSignedInPerson(trx, caller);
    const linked = await findIdentity(trx, account.issuer, account.subject);
    if (linked?.person_id === person.id) return;
    if (linked !== undefined) throw new SingleSignOnError('linked_to_another');
    if (account.verifiedEmail === null) throw new SingleSignOnError('not_verified');
    if (emailKey(account.verifiedEmail) !== person.email_key) throw new SingleSignOnError('other_address');
    if ((await listIdentities(trx, person.id)).length >= MAX_IDENTITIES) throw new SingleSignOnError('refused');
    await addIdentity(trx, person, account, origin, context.clock());
  });
}

/**
 * Unlinks a provider account from a person who has reauthenticated. Ends every other session that was started with the
 * account, and deletes device codes that the person has approved. Throws `not_found`, `conflict` while single sign-on
 * is the only way to sign in, and `invalid_token`.
 */
export async function unlinkIdentity(
  context: PeopleContext,
  caller: SignedInPerson,
  id: string,
  origin: RequestOrigin,
): Promise<void> {
  if (context.passwords === 'off') {
    throw new Problem('conflict', 'Single sign-on is the only way to sign in to this server.');
  }
  await context.store.transaction(async (trx) => {
    const person = personPartyOf(await lockSignedInPerson(trx, caller));
    const ended = await deleteIdentitySessions(trx, { identityId: id }, caller.sessionId);
    const deleted = await deleteIdentity(trx, caller.personId, id);
    if (deleted === undefined) throw new Problem('not_found', 'The linked account was not found.');
    await deleteAnsweredDeviceCodes(trx, caller.personId);
    const detail = { issuer: deleted.issuer, email: deleted.email, sessionsEnded: ended.length };
    const draft = { action: 'person.identity_unlinked', at: context.clock(), actor: person, target: person } as const;
    await recordForPerson(trx, caller.personId, { ...draft, origin, detail });
  });
}
