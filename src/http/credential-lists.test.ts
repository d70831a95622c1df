import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey } from '../contract/api-keys.ts';
import { DAY, LIMITS } from '../contract/limits.ts';
import type { CountedPage } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import { runSql } from '../testing/sql.ts';
import {
  createKey,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

type CredentialPage = CountedPage<AccessToken | ApiKey>;

const START = Date.parse('2027-01-01T12:00:00Z');
/** The names of the credentials, and the days from `START` until they expire. They are created before `START`. */
const EXPIRIES = {
  'Past one': -1,
  'Past two': -1,
  'Soon one': 3,
  'Soon two': 5,
  'Edge 7': 7,
  Later: 40,
  'Never one': null,
  'Never two': null,
} as const;

forEachEngine('lists of credentials', (engine) => {
  let testServer: TestServer;
  let environment: Readonly<Record<string, string>>;
  let owner: TestPerson;
  let now = START - 3 * DAY;
  before(async () => {
    environment = await engine.environment();
    testServer = await startTestServer({ clock: () => now, environment });
    owner = await signUpOwner(testServer);
    for (const [name, days] of Object.entries(EXPIRIES)) {
      const expiresAt = days === null ? null : new Date(START + days * DAY).toISOString();
      await createToken(owner, ['modify_env'], { name, expiresAt });
      await createKey(owner, ['read'], { name, expiresAt, active: name !== 'Soon two' });
    }
    now = START;
  });
  after(() => testServer.close());

  async function list(path: string, query: string, person = owner): Promise<CredentialPage> {
    const { body, status, text } = await person.call<CredentialPage>(`${path}?${query}`);
    assert.equal(status, 200, text);
    return body;
  }
  /** Returns the names on all pages. The total of each page must be the number of these names. */
  async function namesOf(path: string, query: string, limit: number): Promise<string[]> {
    const names: string[] = [];
    const totals = new Set<number | null>();
    let cursor = '';
    do {
      const page = await list(path, `${query}&limit=${limit}${cursor}`);
      names.push(...page.data.map(({ name }) => name));
      totals.add(page.total);
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    assert.deepEqual([...totals], [names.length], query);
    return names;
  }

  for (const path of ['/v1/access-tokens', '/v1/api-keys']) {
    const isKeys = path === '/v1/api-keys';
    test(`${path} can be filtered by expiry, alone and with other filters, page by page`, async () => {
      const rows: [query: string, names: string[]][] = [
        ['expiresWithinDays=1', []],
        ['expiresWithinDays=3', ['Soon one']],
        ['expiresWithinDays=4', ['Soon one']],
        ['expiresWithinDays=7', ['Edge 7', 'Soon one', 'Soon two']],
        ['expiresWithinDays=36500', ['Edge 7', 'Later', 'Soon one', 'Soon two']],
        ['neverExpires=true', ['Never one', 'Never two']],
        ['neverExpires=false', ['Edge 7', 'Later', 'Past one', 'Past two', 'Soon one', 'Soon two']],
        ['neverExpires=true&expiresWithinDays=36500', []],
        ['neverExpires=false&status=expired', ['Past one', 'Past two']],
        ['expiresWithinDays=7&status=active', isKeys ? ['Edge 7', 'Soon one'] : ['Edge 7', 'Soon one', 'Soon two']],
        ['expiresWithinDays=7&status=expired', []],
        ['expiresWithinDays=7&q=soon', ['Soon one', 'Soon two']],
        ['neverExpires=true&q=two&unusedForDays=2', ['Never two']],
        ['neverExpires=true&unusedForDays=4', []],
        [`neverExpires=true&${isKeys ? 'permission=read' : 'scope=modify_env'}`, ['Never one', 'Never two']],
        [`neverExpires=true&${isKeys ? 'permission=write' : 'scope=all'}`, []],
        ['', Object.keys(EXPIRIES).sort()],
      ];
      for (const [query, names] of rows) {
        for (const limit of [1, 2, 200]) {
          assert.deepEqual(await namesOf(path, `sort=name&${query}`, limit), names, `${query} by ${limit}`);
        }
      }
      assert.deepEqual(await namesOf(path, 'sort=-expiresAt&expiresWithinDays=36500', 1), [
        'Later',
        'Edge 7',
        'Soon two',
        'Soon one',
      ]);
      assert.deepEqual((await namesOf(path, 'expiresWithinDays=7', 1)).sort(), ['Edge 7', 'Soon one', 'Soon two']);
    });
  }

  describe('totals', () => {
    const MAX_TOTAL = LIMITS.countedTotal;
    let largeWorkspace: TestPerson;
    const totalOf = async (path: string, query = 'limit=1') => (await list(path, query, largeWorkspace)).total;
    async function insertTokens(prefix: string, count: number, expiresAtSql: string): Promise<void> {
      const digest =
        engine.name === 'postgres' ? `convert_to('${prefix}' || n, 'UTF8')` : `cast('${prefix}' || n as blob)`;
      await runSql(
        testServer,
        environment,
        `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count})
        insert into credential
          (id, workspace_id, kind, name, name_key, rights, active, digest, hint, expires_at, created_at, updated_at)
        select 'tok_${prefix}' || n, '${largeWorkspace.workspaceId}', 'access_token', '${prefix} ' || n, '${prefix} ' || n,
          '["run_scripts"]', 1, ${digest}, 'abcd', ${expiresAtSql}, ${START} + n, ${START} from numbers`,
      );
    }
    before(async () => {
      largeWorkspace = await createWorkspaceFor(owner, testServer, 'Many');
      await insertTokens('plain', MAX_TOTAL - 100, 'null');
      await insertTokens('dated', 100, `${START} + 2 * ${DAY} + n`);
    });

    test('the total is exact up to 10,000, and null beyond', async () => {
      assert.deepEqual([await totalOf('/v1/api-keys'), await totalOf('/v1/access-tokens')], [0, MAX_TOTAL]);
      const created = await createToken(largeWorkspace, ['all']);
      assert.equal(await totalOf('/v1/access-tokens'), null);
      const { data } = await list('/v1/access-tokens', 'limit=200&sort=name', largeWorkspace);
      assert.equal(data.length, 200);
      assert.equal((await largeWorkspace.call(`/v1/access-tokens/${created.id}`, { method: 'DELETE' })).status, 204);
      assert.equal(await totalOf('/v1/access-tokens'), MAX_TOTAL);
    });

    test('the total counts the matches of the filters, in this workspace only', async () => {
      await createToken(largeWorkspace, ['all'], { name: 'One more' });
      const rows: [query: string, total: number | null][] = [
        ['', null],
        ['scope=run_scripts', MAX_TOTAL],
        ['neverExpires=false', 100],
        ['neverExpires=true', MAX_TOTAL - 99],
        ['expiresWithinDays=3', 100],
        ['expiresWithinDays=1', 0],
        ['q=plain', MAX_TOTAL - 100],
        ['q=nothing', 0],
        ['scope=all', 1],
        ['status=expired', 0],
      ];
      for (const [query, total] of rows) assert.equal(await totalOf('/v1/access-tokens', query), total, query);
      assert.equal((await list('/v1/access-tokens', 'limit=1')).total, Object.keys(EXPIRIES).length);
    });
  });
});
