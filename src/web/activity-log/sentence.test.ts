import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../../contract/audit-events.ts';
import { AUDIT_ACTIONS } from '../../contract/event-names.ts';
import { actionLabel, toPlainSentence } from './sentence.ts';

const ada = { kind: 'person', id: 'per_1', name: 'Ada' } as const;
const token = { kind: 'access_token', id: 'tok_1', name: 'CI/CD Pipeline' } as const;

function createEvent(action: AuditEvent['action'], overrides: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: 'evt_1',
    sequence: 1,
    action,
    at: '2027-02-24T09:00:00.000Z',
    actor: ada,
    target: null,
    credential: null,
    address: null,
    userAgent: null,
    requestId: null,
    detail: {},
    previousHash: '',
    hash: '',
    ...overrides,
  };
}

const storefront = { kind: 'app', id: 'app_1', name: 'Storefront' } as const;
const CASES: readonly (readonly [AuditEvent, string])[] = [
  [
    createEvent('env.updated', { target: storefront, detail: { version: 2, set: ['A', 'B', 'C'], removed: ['D'] } }),
    'Ada changed A, B, C, and 1 more in the environment of Storefront',
  ],
  [
    createEvent('env.revealed', { target: storefront, detail: { names: ['DATABASE_URL'] } }),
    'Ada viewed the value of DATABASE_URL in the environment of Storefront',
  ],
  [
    createEvent('env.revealed', { target: storefront, detail: { names: ['A', 'B'] } }),
    'Ada viewed the values of A and B in the environment of Storefront',
  ],
  [
    createEvent('env.restored', { target: storefront, detail: { version: 3, restoredFrom: 1 } }),
    'Ada restored the environment of Storefront to version 1',
  ],
  [
    createEvent('server.checked', { target: { kind: 'server', id: 'srv_1', name: 'Web 1' }, detail: { ok: false } }),
    'Ada checked the server Web 1: it is not reachable',
  ],
  [
    createEvent('deployment.created', {
      target: { kind: 'deployment', id: 'dep_1', name: 'Storefront' },
      detail: { kind: 'rollback' },
    }),
    'Ada requested a rollback of Storefront',
  ],
  [createEvent('backup.failed', { target: storefront }), 'A backup of Storefront failed'],
  [
    createEvent('backup.failed', { target: storefront, detail: { verification: true } }),
    'The verification of a backup of Storefront failed',
  ],
  [
    createEvent('run.finished', {
      actor: { kind: 'system', id: null, name: null },
      target: { kind: 'run', id: 'run_1', name: 'Greet' },
      detail: { status: 'cancelled', exitCode: null },
    }),
    'A run of Greet was cancelled',
  ],
  [
    createEvent('error_issue.reopened', { target: { kind: 'error_issue', id: 'iss_1', name: 'TypeError: x' } }),
    'Ada reopened the issue TypeError: x',
  ],
  [createEvent('access_token.created', { target: token }), 'Ada created the access token CI/CD Pipeline'],
  [createEvent('access_token.deleted', { target: token }), 'Ada deleted the access token CI/CD Pipeline'],
  [createEvent('api_key.created'), 'Ada created an API key'],
  [createEvent('server.created'), 'Ada created a server'],
  [
    createEvent('access_token.deleted', { actor: token, target: token }),
    'The holder of the access token CI/CD Pipeline revoked it',
  ],
  [
    createEvent('api_key.updated', {
      target: { kind: 'api_key', id: 'key_1', name: 'Billing' },
      detail: { before: { active: true }, after: { active: false } },
    }),
    'Ada disabled the API key Billing',
  ],
  [
    createEvent('api_key.updated', {
      target: { kind: 'api_key', id: 'key_1', name: 'Billing' },
      detail: { before: {}, after: { name: 'Billing', permissions: ['read'], expiresAt: null } },
    }),
    'Ada changed the name, permissions, and expiry of the API key Billing',
  ],
  [
    createEvent('credential.denied', {
      actor: token,
      credential: token,
      detail: { reason: 'token_expired', count: 3 },
    }),
    'The access token CI/CD Pipeline was denied: it has expired (3 times)',
  ],
  [
    createEvent('credential.passphrase_failed', { actor: token, credential: token, detail: { count: 1 } }),
    'An incorrect passphrase was sent for the access token CI/CD Pipeline',
  ],
  [
    createEvent('session.failed', { actor: { kind: 'person', id: null, name: null }, detail: { count: 4 } }),
    'Sign-in with an unknown email address failed (4 times)',
  ],
  [createEvent('session.failed', { detail: { reason: 'sign_in_failed', count: 1 } }), 'Sign-in as Ada failed'],
  [
    createEvent('session.created', { detail: { kind: 'browser', passkey: 'Laptop' } }),
    'Ada signed in with the passkey Laptop',
  ],
  [createEvent('session.created', { detail: { kind: 'device', client: 'cli' } }), 'Ada signed in on a device (cli)'],
  [
    createEvent('member.updated', {
      target: { kind: 'member', id: 'mem_1', name: 'Grace' },
      detail: { before: { role: 'member' }, after: { role: 'admin' } },
    }),
    'Ada changed the role of Grace from member to admin',
  ],
  [
    createEvent('invitation.created', {
      target: { kind: 'invitation', id: 'inv_1', name: 'grace@example.com' },
      detail: { after: { role: 'member' } },
    }),
    'Ada invited grace@example.com as member',
  ],
  [
    createEvent('workspace.created', { target: { kind: 'workspace', id: 'wsp_1', name: 'Acme' } }),
    'Ada created the workspace Acme',
  ],
  [
    createEvent('workspace.updated', { detail: { before: { sso: null }, after: { sso: { claim: 'groups' } } } }),
    'Ada changed which groups grant a role in the workspace',
  ],
  [
    createEvent('member.created', {
      actor: { kind: 'system', id: null, name: null },
      target: { kind: 'member', id: 'mem_1', name: 'Grace' },
      detail: { after: { role: 'admin' }, reason: 'group' },
    }),
    'Grace joined as admin',
  ],
  [
    createEvent('webhook.switched_off', {
      actor: { kind: 'system', id: null, name: null },
      target: { kind: 'webhook', id: 'whk_1', name: 'Orders' },
      detail: { reason: 'gone' },
    }),
    'The webhook Orders was switched off because its receiver wants no more messages',
  ],
  [
    createEvent('system.secret_rotated', { actor: { kind: 'system', id: null, name: null } }),
    'The system re-encrypted the stored values with a new secret',
  ],
  // An action that only a newer server records.
  [
    createEvent('webhook.paused' as AuditEvent['action'], {
      target: { kind: 'webhook', id: 'whk_1', name: 'Orders' },
    }),
    'Ada paused the webhook Orders',
  ],
];

test('events read as sentences', () => {
  for (const [auditEvent, sentence] of CASES) assert.equal(toPlainSentence(auditEvent), sentence);
});

test('every action has a label and a sentence, without underscores, undefined or null', () => {
  for (const action of AUDIT_ACTIONS) {
    const target = { kind: 'workspace', id: 'x', name: 'Target' } as const;
    const detail = { before: { name: 'a', role: 'b' }, after: { name: 'c', role: 'd' }, reason: 'GET /v1/x' };
    const sentence = toPlainSentence(createEvent(action, { target, detail }));
    assert.doesNotMatch(sentence, /_|undefined|null/, action);
    assert.doesNotMatch(actionLabel(action), /_/);
  }
});
