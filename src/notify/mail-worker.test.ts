import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { raiseNotice } from '../audit/notices.ts';
import { mintSecret } from '../authorization/secret.ts';
import type { NoticeKind } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../contract/limits.ts';
import { createMailer } from '../people/mail.ts';
import { insertMember } from '../store/members.ts';
import { createSeal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';
import { forEachEngine } from '../testing/engines.ts';
import { type MailServer, startMailServer } from '../testing/mail-server.ts';
import { seedPerson, seedWorkspace } from '../testing/test-store.ts';
import { createMailWorker, lastDigestAt, type MailWorkerOptions } from './mail-worker.ts';

const NOON = Date.parse('2027-02-24T12:00:00.000Z');

test('daily emails are due at 7:00 UTC', () => {
  const seven = Date.parse('2027-02-24T07:00:00.000Z');
  assert.deepEqual([seven - 1, seven, NOON].map(lastDigestAt), [seven - DAY, seven, seven]);
});

forEachEngine('emails about notices', (engine) => {
  let store: Store;
  let mailServer: MailServer;
  let now = NOON;
  let isDown = false;
  before(async () => {
    [store, mailServer] = await Promise.all([engine.open(), startMailServer()]);
  });
  after(async () => {
    await store.close();
    await mailServer.close();
  });

  /** Creates the worker of one node, with its own connection to the mail server. */
  function startWorker() {
    const mailer = createMailer(mailServer.url, 'Devpilot <devpilot@example.com>');
    const send: MailWorkerOptions['send'] = (message) =>
      isDown ? Promise.reject(new Error('down')) : mailer.send(message);
    const seal = createSeal([Buffer.from('a secret of the tests')]);
    const publicUrl = () => 'https://devpilot.example';
    return createMailWorker({ store, clock: () => now, seal, publicUrl, send, onError: () => undefined });
  }
  /** Runs two nodes concurrently. Returns the recipient and the number of notices of each email that arrives. */
  async function tick(): Promise<string[]> {
    const previousCount = mailServer.messages.length;
    await Promise.all([startWorker().tick(), startWorker().tick()]);
    return mailServer.messages
      .slice(previousCount)
      .map((message) => {
        const unfolded = message.replace(/\r\n /g, ' ');
        const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(unfolded)?.[1]?.trim() ?? '';
        const [, count = '1'] = / (\d+) notices need attention/.exec(header('Subject')) ?? [];
        return `${header('To')} ${count}`;
      })
      .sort();
  }
  const raise = (workspaceId: string, kind: NoticeKind, name: string, detail: object = {}) =>
    store.transaction((trx) =>
      raiseNotice(trx, {
        workspaceId,
        kind,
        at: now,
        occurrence: name,
        detail: { ...detail },
        subject: { kind: 'app', id: createId('app', now), name },
      }),
    );

  test('the owner and admins receive each notice once: urgent notices immediately, the others once a day', async () => {
    const { workspaceId, personId } = await seedWorkspace(store);
    const admin = await seedPerson(store);
    const member = await seedPerson(store);
    for (const [person, role] of [
      [admin, 'admin'],
      [member, 'member'],
    ] as const) {
      const row = { id: createId('member'), workspace_id: workspaceId, person_id: person, role, created_at: 1 };
      await store.transaction((trx) => insertMember(trx, row));
    }
    const toBoth = (count: number) => [personId, admin].map((id) => `${id}@example.com ${count}`).sort();
    const secret = mintSecret('access_token');
    await raise(workspaceId, 'run.failed', 'Nightly');
    await raise(workspaceId, 'error.new', `leaks ${secret} <b>&`);
    assert.deepEqual(await tick(), []);
    await raise(workspaceId, 'backup.failed', 'Shop');
    assert.deepEqual(await tick(), toBoth(1));
    now = lastDigestAt(NOON) + DAY - 1;
    assert.deepEqual(await tick(), []);
    now += 1;
    assert.deepEqual(await tick(), toBoth(2));
    assert.deepEqual(await tick(), []);
    const digest = mailServer.messages.at(-1) ?? '';
    assert.ok(digest.includes('multipart/alternative') && digest.includes('List-Unsubscribe-Post'), digest);
    assert.match(digest, /https:\/\/devpilot\.example\/errors\//);
    assert.ok(!mailServer.messages.some((message) => message.includes(secret.slice(20, 50))));
    now += DAY;
    assert.deepEqual(await tick(), []);
  });

  test('an email that cannot be sent is retried after five seconds, and is discarded if its notices were deleted', async () => {
    now = NOON + 10 * DAY;
    await tick();
    const { workspaceId, personId } = await seedWorkspace(store);
    const expected = [`${personId}@example.com 2`];
    isDown = true;
    await raise(workspaceId, 'deployment.failed', 'Shop', { deploymentId: 'dpl_1' });
    await raise(workspaceId, 'backup.failed', 'Shop');
    assert.deepEqual(await tick(), []);
    isDown = false;
    now += 5 * SECOND - 1;
    assert.deepEqual(await tick(), []);
    now += 1;
    assert.deepEqual(await tick(), expected);
    isDown = true;
    await raise(workspaceId, 'backup.failed', 'Other');
    for (const pause of [0, 5 * SECOND, 30 * SECOND, 2 * MINUTE]) {
      now += pause;
      await tick();
    }
    isDown = false;
    await store.transaction((trx) => trx.deleteFrom('notice').where('workspace_id', '=', workspaceId).execute());
    now += HOUR;
    assert.deepEqual(await tick(), []);
  });
});
