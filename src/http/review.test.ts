import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey } from '../contract/api-keys.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { parseCsv } from '../contract/csv.ts';
import { DAY } from '../contract/limits.ts';
import type { Member } from '../contract/members.ts';
import type { Page } from '../contract/paging.ts';
import type { Review, ReviewItem } from '../contract/review.ts';
import { REVIEW_WEIGHTS } from '../contract/review-weights.ts';
import { REVIEW_REASONS } from '../contract/vocabulary.ts';
import { forEachEngine } from '../testing/engines.ts';
import { runSql } from '../testing/sql.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

forEachEngine('review', (engine) => {
  let testServer: TestServer;
  let environment: Readonly<Record<string, string>>;
  let owner: TestPerson;
  const now = Date.now();
  const ids = new Map<string, string>();
  const execute = (statement: string) => runSql(testServer, environment, statement);
  const findId = (name: string): string => ids.get(name) ?? '';
  const inDays = (days: number) => new Date(now + days * DAY).toISOString();

  /** Remembers the ID of a created credential by its name. `columns` is SQL that sets columns a client cannot set. */
  async function seed(creation: Promise<AccessToken | ApiKey>, columns = ''): Promise<void> {
    const { id, name } = await creation;
    ids.set(name, id);
    if (columns !== '') await execute(`update credential set ${columns} where id = '${id}'`);
  }
  const createdDaysAgo = (days: number) => `created_at = ${now - days * DAY}`;
  const usedDaysAgo = (days: number) => `last_used_at = ${now - days * DAY}, use_count = 1`;

  before(async () => {
    environment = await engine.environment();
    testServer = await startTestServer({ clock: () => now, environment });
    owner = await signUpOwner(testServer);
    await execute('update installation set rights_counted_since = 0');
    const admin = await signUpMember(testServer, owner, 'admin', 'al@example.com');
    // A credential with these fields has no reason to be reviewed.
    const unremarkable = { passphrase: 'correct horse battery', expiresAt: inDays(60) };
    await seed(createToken(owner, ['modify_env'], { name: 'Fine', ...unremarkable }));
    await seed(
      createToken(owner, ['modify_env'], { name: 'Unused', ...unremarkable }),
      `${createdDaysAgo(200)}, ${usedDaysAgo(91)}`,
    );
    await seed(createKey(owner, ['read'], { name: 'Never used', expiresAt: inDays(60) }), createdDaysAgo(8));
    await seed(createKey(owner, ['read'], { name: 'Never expires' }));
    await seed(createToken(owner, ['all'], { name: 'Holds all', ...unremarkable }));
    await seed(createToken(owner, ['modify_env'], { name: 'No passphrase', expiresAt: inDays(60) }));
    await seed(createKey(owner, ['read'], { name: 'Expiring', expiresAt: inDays(29) }));
    await seed(createKey(owner, ['read'], { name: '=Expired()' }), `expires_at = ${now - 1}`);
    const broader = createKey(owner, ['read', 'write', 'deploy'], { name: 'Broader', expiresAt: inDays(60) });
    await seed(broader, `${createdDaysAgo(40)}, ${usedDaysAgo(1)}`);
    const allUsed = createKey(owner, ['read', 'write'], { name: 'All used', expiresAt: inDays(60) });
    await seed(allUsed, `${createdDaysAgo(40)}, ${usedDaysAgo(1)}`);
    for (const [name, right, days] of [
      ['Broader', 'read', 2],
      ['Broader', 'write', 31],
      ['Broader', 'delete', 1],
      ['All used', 'read', 1],
      ['All used', 'write', 29],
    ] as const) {
      await execute(`insert into credential_right (credential_id, workspace_id, name, app_id, count, last_used_at)
        values ('${findId(name)}', '${owner.workspaceId}', '${right}', '', 1, ${now - days * DAY})`);
    }
    await seed(createKey(admin, ['read'], { name: 'Creator left', expiresAt: inDays(60) }));
    const members = (await owner.call<Page<Member>>('/v1/members')).body.data;
    const formerMember = members.find(({ email }) => email === 'al@example.com');
    ids.set('al', formerMember?.personId ?? '');
    assert.equal((await owner.call(`/v1/members/${formerMember?.id}`, { method: 'DELETE' })).status, 204);
    await seed(createToken(owner, ['run_scripts'], { name: 'Violates', ...unremarkable }), 'policy_violations = 1');
  });
  after(() => testServer.close());

  async function readReview(query = '', person = owner): Promise<Review> {
    const { body, status, text } = await person.call<Review>(`/v1/review?${query}`);
    assert.equal(status, 200, text);
    return body;
  }
  const reasonsByName = ({ data }: Review) =>
    Object.fromEntries(data.map(({ credential, reasons }) => [credential.name, reasons]));

  test('credentials are listed with the reasons to review them, sorted by the sum of the weights of the reasons', async () => {
    const body = await readReview();
    assert.deepEqual(reasonsByName(body), {
      'Creator left': ['creator_left'],
      Violates: ['violates_policy'],
      'Holds all': ['holds_all'],
      Unused: ['unused'],
      Broader: ['broader_than_used'],
      'Never used': ['never_used'],
      'Never expires': ['never_expires'],
      Expiring: ['expiring'],
      'No passphrase': ['no_passphrase'],
      '=Expired()': ['expired'],
    });
    const risks = body.data.map(({ risk }) => risk);
    assert.deepEqual(
      risks,
      risks.toSorted((a, b) => b - a),
    );
    for (const { reasons, risk } of body.data) {
      assert.equal(
        risk,
        reasons.reduce((sum, reason) => sum + REVIEW_WEIGHTS[reason], 0),
      );
    }
    const rights = new Map(body.data.map(({ credential, usedRights }) => [credential.name, usedRights]));
    assert.deepEqual([rights.get('Broader'), rights.get('Unused')], [['read'], null]);
    assert.deepEqual(body.counts, Object.fromEntries(REVIEW_REASONS.map((reason) => [reason, 1])));
    assert.deepEqual([body.total, body.nextCursor, body.lastReviewAt], [10, null, null]);
    assert.doesNotMatch(JSON.stringify(body), /digest|secret|passphrase_hash/);
  });

  test('the review can be filtered by reason and creator, and its pages neither repeat nor omit a credential', async () => {
    assert.deepEqual(reasonsByName(await readReview('reason=expiring')), { Expiring: ['expiring'] });
    const ofCreator = await readReview(`createdBy=${findId('al')}`);
    assert.deepEqual(reasonsByName(ofCreator), { 'Creator left': ['creator_left'] });
    assert.equal((await owner.call('/v1/review?reason=none')).status, 422);
    const names: string[] = [];
    let cursor = '';
    do {
      const page: Review = await readReview(`limit=3${cursor}`);
      names.push(...page.data.map(({ credential }) => credential.name));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    assert.deepEqual(names, Object.keys(reasonsByName(await readReview())));
    const otherListCursor = (await owner.call<Page<unknown>>('/v1/api-keys?limit=1')).body.nextCursor;
    assert.equal((await owner.call(`/v1/review?cursor=${otherListCursor}`)).status, 422);
  });

  test('the review as CSV contains every credential to review and no formulas', async () => {
    const { text, headers } = await owner.call('/v1/review', { headers: { accept: 'text/csv' } });
    assert.match(headers.get('content-type') ?? '', /^text\/csv/);
    const records = parseCsv(text);
    assert.ok(Array.isArray(records));
    const [header, ...rows] = records.map(({ cells }) => cells as string[]);
    const nameColumn = header?.indexOf('name') ?? -1;
    assert.equal(rows.length, 10);
    assert.equal(rows.at(-1)?.[nameColumn], "'=Expired()");
  });

  test('a credential that a reviewer keeps is omitted for 90 days, unless a new reason arises', async () => {
    const id = findId('Never expires');
    const kept = await owner.call<ReviewItem>(`/v1/review/${id}`, { body: { decision: 'keep', note: '  By hand ' } });
    assert.equal(kept.status, 200, kept.text);
    const { reviewedBy, until, note } = kept.body.kept ?? {};
    assert.deepEqual([reviewedBy?.name, until, note], ['Ada Lovelace', inDays(90), 'By hand']);
    const body = await readReview();
    assert.equal('Never expires' in reasonsByName(body), false);
    assert.deepEqual([body.counts.never_expires, body.total], [0, 9]);
    assert.deepEqual([body.lastReviewAt, body.lastReviewedBy], [new Date(now).toISOString(), 'Ada Lovelace']);
    assert.equal((await readReview('includeKept=true&reason=never_expires')).data[0]?.kept?.note, 'By hand');
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?action=credential.reviewed&credential=${id}`);
    const { actor, target, detail } = log.body.data[0] ?? {};
    assert.deepEqual([actor?.name, target?.id, detail?.['note']], ['Ada Lovelace', id, 'By hand']);
    await execute(`update credential set ${createdDaysAgo(8)} where id = '${id}'`);
    assert.deepEqual(reasonsByName(await readReview())['Never expires'], ['never_used', 'never_expires']);
    await execute(`update credential set ${createdDaysAgo(0)} where id = '${id}'`);
    await execute(`update credential_review set kept_until = ${now} where credential_id = '${id}'`);
    assert.deepEqual(reasonsByName(await readReview())['Never expires'], ['never_expires']);
  });

  test('a decision requires a credential of the workspace and a note of at most 500 characters; members and tokens cannot review', async () => {
    const path = `/v1/review/${findId('Fine')}`;
    const withLongNote = await owner.call(path, { body: { decision: 'keep', note: 'x'.repeat(501) } });
    const unknownCredential = await owner.call('/v1/review/tok_unknown', { body: { decision: 'keep' } });
    const unknownDecision = await owner.call(path, { body: { decision: 'forget' } });
    assert.deepEqual([withLongNote.status, unknownCredential.status, unknownDecision.status], [422, 404, 422]);
    const member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    assert.equal((await member.call('/v1/review')).status, 403);
    const { secret } = await createToken(owner, ['all'], { name: 'Robot' });
    assert.equal((await testServer.call('/v1/review', { headers: bearer(secret) })).status, 403);
  });

  test('a long review is paged over one snapshot until something changes', async () => {
    const digest = engine.name === 'sqlite' ? 'randomblob(32)' : `decode(md5('a' || n) || md5('b' || n), 'hex')`;
    const count = 2_500;
    const padded = engine.name === 'sqlite' ? `printf('%06d', n)` : `lpad(cast(n as text), 6, '0')`;
    await execute(`insert into credential (id, workspace_id, kind, name, name_key, rights, active, digest, hint,
        created_at, updated_at, created_by)
      with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
      select 'key_many' || ${padded}, workspace_id, kind, name, name_key, rights, active, ${digest}, hint,
        created_at, updated_at, created_by
      from numbers, credential where id = '${findId('Never expires')}'`);
    const reviewedIds = new Set<string>();
    let cursor = '';
    let pages = 0;
    do {
      const page: Review = await readReview(`limit=200&reason=never_expires${cursor}`);
      for (const { credential } of page.data) reviewedIds.add(credential.id);
      pages++;
      assert.ok((page.total ?? 0) >= count);
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    assert.ok(reviewedIds.size >= count && pages === Math.ceil(reviewedIds.size / 200));
    const first = [...reviewedIds][0] ?? '';
    assert.equal((await owner.call(`/v1/review/${first}`, { body: { decision: 'keep' } })).status, 200);
    const remaining = await readReview('reason=never_expires');
    assert.equal(
      remaining.data.some(({ credential }) => credential.id === first),
      false,
    );
    assert.equal(remaining.total, reviewedIds.size - 1);
  });
});
