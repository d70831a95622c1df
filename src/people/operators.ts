import type { RequestContext } from '../audit/request-context.ts';
import type { AuditParty } from '../contract/audit.ts';
import type { AuditAction } from '../contract/event-names.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import type { Page } from '../contract/paging.ts';
import type { Account } from '../contract/people.ts';
import { Problem } from '../contract/problem.ts';
import { type AccountRow, findAccount, listAccounts, lockOperators } from '../store/operators.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import { lockPerson, type PersonRow, updatePerson } from '../store/people.ts';
import { deleteSentInvitations, endSessionsAndPendingSignIns } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { type PeopleContext, personPartyOf, recordForPersonAndOperators } from './context.ts';

function serializeAccount(row: AccountRow): Account {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    twoFactor: row.totp_enabled === 1,
    operator: row.operator === 1,
    disabled: row.disabled === 1,
    workspaces: row.workspace_count,
    createdAt: toIsoString(row.created_at),
    lastUsedAt: toIsoStringOrNull(row.last_used_at),
  };
}

export async function listPeople(
  context: PeopleContext,
  query: { q?: string | undefined; limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Account>> {
  const page = readPageRequest(query, 'createdAt', 'number');
  const rows = await listAccounts(context.store.read, query.q, page);
  return toPage(rows, page.limit, 'createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeAccount);
}

/**
 * Checks that a person is still an operator, because that may have changed since the request started, and locks the
 * operators until the transaction ends. An actor that is not a person is allowed: the server's own command line. Throws
 * `forbidden`.
 */
export async function lockOperatorStatus(trx: Trx, actor: AuditParty): Promise<void> {
  const operators = await lockOperators(trx);
  if (actor.kind === 'person' && !operators.some((id) => id === actor.id)) {
    throw new Problem('forbidden', 'You are no longer an operator.');
  }
}

/** Throws `conflict` if this person is the only operator who can sign in. */
export async function refuseLastOperator(trx: Trx, personId: string): Promise<void> {
  const operators = await lockOperators(trx);
  if (operators.length === 1 && operators[0] === personId) {
    throw new Problem('conflict', 'This is the last operator. Make someone else an operator first.');
  }
}

async function recordOperatorEvent(
  context: PeopleContext,
  trx: Trx,
  { actor, origin }: RequestContext,
  person: PersonRow,
  action: AuditAction,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const target = personPartyOf(person);
  await recordForPersonAndOperators(trx, person.id, { action, at: context.clock(), actor, target, origin, detail });
}

/**
 * Disables or enables a person, or changes whether they are an operator. Disabling ends all their access and the
 * invitations that they have sent. Throws `not_found`, `forbidden`, and `conflict` for the last operator.
 */
export async function updateAccount(
  context: PeopleContext,
  request: RequestContext,
  personId: string,
  input: { disabled?: boolean | undefined; operator?: boolean | undefined },
): Promise<Account> {
  return context.store.transaction(async (trx) => {
    await lockOperatorStatus(trx, request.actor);
    if (input.disabled === true || input.operator === false) await refuseLastOperator(trx, personId);
    const person = await lockPerson(trx, personId);
    if (person === undefined) throw new Problem('not_found', 'The person was not found.');
    const now = context.clock();
    const { disabled = person.disabled === 1, operator = person.operator === 1 } = input;
    if (operator !== (person.operator === 1)) {
      await updatePerson(trx, personId, { operator: operator ? 1 : 0, updated_at: now });
      const detail = { before: { operator: !operator }, after: { operator } };
      await recordOperatorEvent(context, trx, request, person, 'person.operator_changed', detail);
    }
    if (disabled !== (person.disabled === 1)) {
      await updatePerson(trx, personId, { disabled: disabled ? 1 : 0, updated_at: now });
      const sessionsEnded = disabled ? await endSessionsAndPendingSignIns(trx, personId, null, now) : 0;
      const invitationsEnded = disabled ? await deleteSentInvitations(trx, personId, null) : 0;
      const action = disabled ? 'person.disabled' : 'person.enabled';
      await recordOperatorEvent(
        context,
        trx,
        request,
        person,
        action,
        disabled ? { sessionsEnded, invitationsEnded } : {},
      );
    }
    const after = await findAccount(trx, personId);
    if (after === undefined) throw new Problem('internal');
    return serializeAccount(after);
  });
}

/** Ends all sessions of a person and everything else that grants them access. Throws `not_found` and `forbidden`. */
export async function endAccountSessions(
  context: PeopleContext,
  request: RequestContext,
  personId: string,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    await lockOperatorStatus(trx, request.actor);
    const person = await lockPerson(trx, personId);
    if (person === undefined) throw new Problem('not_found', 'The person was not found.');
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, personId, null, context.clock());
    await recordOperatorEvent(context, trx, request, person, 'person.sessions_ended', { sessionsEnded });
  });
}
