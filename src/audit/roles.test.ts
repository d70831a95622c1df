import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AuditDraft } from '../contract/audit.ts';
import { AUDIT_ACTIONS, type AuditAction } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { type CredentialKind, ROLES } from '../contract/vocabulary.ts';
import { insertMember } from '../store/members.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { seedCredential, seedPerson, seedWorkspace } from '../testing/test-store.ts';
import { appendAuditEvent } from './log.ts';
import { requiredRole } from './roles.ts';

const actionsFor = (role: string | null) => AUDIT_ACTIONS.filter((action) => requiredRole(action) === role);

test('members can act on runs, deployments and backups, two actions require an owner, some require no role, and all others require an admin', () => {
  assert.deepEqual(
    actionsFor('member').filter((action) => !/^deployment\./.test(action)),
    ['run.created', 'run.cancelled', 'run.finished', 'backup.created', 'backup.verification_started', 'run.failed'],
  );
  assert.deepEqual(actionsFor('owner'), ['workspace.deleted', 'policy.updated']);
  assert.deepEqual(
    actionsFor(null).filter((action) => !/^(?:person|session|passkey|device)\./.test(action)),
    ['workspace.created', 'workspace.owner_changed', 'member.created', 'member.left', 'notifications.updated'],
  );
  for (const action of ['access_token.created', 'api_key.updated', 'env.revealed', 'member.updated'] as const) {
    assert.equal(requiredRole(action), 'admin');
  }
});

forEachEngine('the rights of the actor when a change is recorded', (engine) => {
  let store: Store;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());

  test('a change by a person is recorded only if the person has the required role at that moment', async () => {
    const { workspaceId, personId: owner } = await seedWorkspace(store);
    const people: Record<string, string> = {
      owner,
      stranger: await seedPerson(store),
      disabled: await seedPerson(store),
    };
    for (const role of ['admin', 'member'] as const) people[role] = await seedPerson(store);
    const join = (person_id: string, role: 'admin' | 'member') =>
      store.transaction((trx) =>
        insertMember(trx, { id: createId('member'), workspace_id: workspaceId, person_id, role, created_at: 1 }),
      );
    await join(people['admin'] ?? '', 'admin');
    await join(people['member'] ?? '', 'member');
    await join(people['disabled'] ?? '', 'admin');
    await store.transaction((trx) =>
      trx
        .updateTable('person')
        .set({ disabled: 1 })
        .where('id', '=', people['disabled'] ?? '')
        .execute(),
    );
    const isRecorded = async (name: string, action: AuditAction) => {
      const draft: AuditDraft = {
        workspaceId,
        action,
        at: 1,
        actor: { kind: 'person', id: people[name] ?? '', name },
        target: null,
        credential: null,
        origin: { address: null, userAgent: null, requestId: null },
        detail: {},
      };
      return store
        .transaction((trx) => appendAuditEvent(trx, draft))
        .then(
          () => true,
          (error: { code?: string }) => {
            assert.equal(error.code, 'forbidden', String(error));
            return false;
          },
        );
    };
    const allowed: Partial<Record<AuditAction, readonly string[]>> = {
      'workspace.deleted': ['owner'],
      'api_key.created': ['admin', 'owner'],
      'run.created': ROLES,
      // A deployment ends even if the person who started it has left.
      'deployment.completed': [...ROLES, 'stranger', 'disabled'],
      'session.deleted': [...ROLES, 'stranger', 'disabled'],
    };
    for (const [action, allowedNames] of Object.entries(allowed)) {
      for (const name of Object.keys(people)) {
        assert.equal(
          await isRecorded(name, action as AuditAction),
          allowedNames.includes(name),
          `${action} by ${name}`,
        );
      }
    }
  });

  test('a change by a credential is recorded only if the credential is valid at that moment', async () => {
    const seeded = await seedWorkspace(store);
    const idOf = async (columns: Parameters<typeof seedCredential>[2]) =>
      (await seedCredential(store, seeded, columns)).id;
    const record = (id: string, kind: CredentialKind, action: AuditAction, target: AuditDraft['target'] = null) =>
      store.transaction((trx) =>
        appendAuditEvent(trx, {
          workspaceId: seeded.workspaceId,
          action,
          at: 1_000,
          actor: { kind, id, name: null },
          target,
          credential: null,
          detail: {},
          origin: { address: null, userAgent: null, requestId: null },
        }),
      );
    for (const kind of ['access_token', 'api_key'] as const) {
      for (const columns of [{}, { expires_at: 1_001 }])
        await record(await idOf({ kind, ...columns }), kind, 'app.updated');
      const foreign = await seedCredential(store, await seedWorkspace(store), { kind });
      for (const id of [
        createId(kind),
        foreign.id,
        await idOf({ kind, active: 0 }),
        await idOf({ kind, expires_at: 1_000 }),
      ]) {
        await assert.rejects(record(id, kind, 'app.updated'), { code: 'invalid_token', status: 401 });
        for (const action of ['credential.denied', 'credential.passphrase_failed', 'deployment.failed'] as const) {
          await record(id, kind, action);
        }
        await record(id, kind, `${kind}.deleted`, { kind, id, name: null });
      }
    }
  });
});
