import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../../contract/audit-events.ts';
import { combineLists, commonAction, groupByAppOrProject } from './reveals.ts';

function createReveal(
  action: 'env.revealed' | 'project_env.revealed',
  id: string,
  day: number,
  ...names: string[]
): AuditEvent {
  return {
    id: `evt_${day}`,
    sequence: day,
    action,
    at: `2027-02-0${day}T09:00:00.000Z`,
    actor: { kind: 'person', id: 'per_1', name: 'Ada' },
    target: { kind: action === 'env.revealed' ? 'app' : 'project', id, name: `Name of ${id}` },
    credential: null,
    address: null,
    userAgent: null,
    requestId: null,
    detail: { names },
    previousHash: '',
    hash: '',
  };
}

const appReveals = [createReveal('env.revealed', 'app_1', 3, 'B', 'A'), createReveal('env.revealed', 'app_1', 1, 'B')];
const projectReveal = createReveal('project_env.revealed', 'prj_1', 2, 'C');

test('several lists are complete if none of them has further pages', () => {
  const lastPage = { data: appReveals, nextCursor: null };
  assert.deepEqual(combineLists([lastPage, { data: [projectReveal], nextCursor: null }]), {
    events: [...appReveals, projectReveal],
    isComplete: true,
  });
  assert.equal(combineLists([lastPage, { data: [projectReveal], nextCursor: 'next' }]).isComplete, false);
});

test('viewed variables are grouped by app and project, with the time of the latest reveal', () => {
  const shown = groupByAppOrProject([...appReveals, projectReveal]);
  assert.deepEqual(shown, [
    {
      id: 'app_1',
      kind: 'app',
      name: 'Name of app_1',
      lastRevealedAt: '2027-02-03T09:00:00.000Z',
      variables: ['A', 'B'],
    },
    {
      id: 'prj_1',
      kind: 'project',
      name: 'Name of prj_1',
      lastRevealedAt: '2027-02-02T09:00:00.000Z',
      variables: ['C'],
    },
  ]);
});

test('the link to the activity log filters by action only if that shows all reveals', () => {
  assert.equal(commonAction(appReveals), 'env.revealed');
  assert.equal(commonAction([...appReveals, projectReveal]), undefined);
});
