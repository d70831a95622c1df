import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { appendAuditEvent, readAuditLog } from '../../audit/log.ts';
import { verifyEveryLog } from '../../audit/verify.ts';
import { seedWorkspace } from '../test-store.ts';
import { NOW, type StoreFixture } from './fixture.ts';

export function declareAuditLogTests(fixture: StoreFixture): void {
  describe('the activity log', () => {
    test('events that are appended concurrently are numbered and chained without gaps, and can be filtered and read in pages', async () => {
      const { workspaceId } = await seedWorkspace(fixture.store);
      const otherWorkspace = await seedWorkspace(fixture.store);
      await Promise.allSettled(
        Array.from({ length: 40 }, (_, index) =>
          fixture.store.transaction(async (trx) => {
            await appendAuditEvent(trx, {
              workspaceId: index % 4 === 3 ? otherWorkspace.workspaceId : workspaceId,
              action: 'workspace.updated',
              at: NOW + index,
              actor: { kind: 'system', id: null, name: null },
              target: { kind: 'workspace', id: `t${index % 3}`, name: 'Ünï' },
              credential: index % 2 === 0 ? { id: 'key_1', kind: 'api_key', name: 'one' } : null,
              origin: { address: '10.0.0.1', userAgent: 'test', requestId: `r${index}` },
              detail: { at: index },
            });
            if (index % 8 === 0) throw new Error('rolled back');
          }),
        ),
      );
      const events = (await readAuditLog(fixture.store.read, workspaceId, { limit: '200' })).data;
      // Of the 40 events, 10 are in the other workspace, and 5 were rolled back.
      assert.equal(events.length, 25);
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        Array.from({ length: 25 }, (_, index) => 25 - index),
      );
      for (const [index, event] of events.entries()) {
        const previous = events[index + 1];
        assert.equal(event.previousHash, previous?.hash ?? '0'.repeat(64));
      }
      for await (const check of verifyEveryLog(fixture.store.read)) assert.equal(check.broken, null);
      const filtered = await readAuditLog(fixture.store.read, workspaceId, { credential: 'key_1', target: 't1' });
      const expected = events.filter((event) => event.credential !== null && event.target?.id === 't1');
      assert.deepEqual(filtered.data, expected);
      const period = { from: new Date(NOW + 10).toISOString(), to: new Date(NOW + 20).toISOString() };
      const inPeriod = await readAuditLog(fixture.store.read, workspaceId, period);
      assert.ok(inPeriod.data.length > 0);
      assert.ok(inPeriod.data.every((event) => event.at >= period.from && event.at < period.to));
      const sequences: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await readAuditLog(fixture.store.read, workspaceId, {
          limit: '4',
          ...(cursor !== undefined && { cursor }),
        });
        sequences.push(...page.data.map(({ sequence }) => sequence));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(
        sequences,
        events.map(({ sequence }) => sequence),
      );
    });
  });
}
