import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { LogLine } from '../../contract/logs.ts';
import { QUOTAS } from '../../contract/quotas.ts';
import { consumeQuota } from '../../store/quotas.ts';
import type { Store } from '../../store/store.ts';
import { forEachEngine } from '../../testing/engines.ts';
import { seedWorkspace } from '../../testing/test-store.ts';
import { until } from '../../testing/until.ts';
import { createLogs, type Logs } from './logs.ts';
import { searchLines } from './search.ts';

const dependencies = { clock: Date.now, onError: (error: unknown) => console.error(error) };

async function linesOf(
  logs: Logs,
  workspaceId: string,
  logId: string,
  { from = 0, follow = false, signal = new AbortController().signal } = {},
): Promise<LogLine[]> {
  let text = '';
  for await (const piece of logs.read(workspaceId, logId, { from, follow, signal })) text += piece;
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

forEachEngine('logs', (engine) => {
  const stores: Store[] = [];
  after(() => Promise.all(stores.map((store) => store.close())));
  async function openLog() {
    const store = await engine.open();
    stores.push(store);
    const { workspaceId } = await seedWorkspace(store);
    const logs = createLogs({ store, ...dependencies });
    await store.transaction((trx) => logs.open(trx, workspaceId, 'log'));
    return { store, workspaceId, logs };
  }

  test('if the quota of the workspace is used up, a log stores one message about the quota and nothing more', async () => {
    const { store, workspaceId, logs } = await openLog();
    await store.transaction((trx) => consumeQuota(trx, 'logs', workspaceId, Date.now(), QUOTAS.logs.max - 150));
    const writer = logs.writer(workspaceId, 'log');
    for (let index = 0; index < 5; index++) {
      writer.write({ at: 1000 + index, stream: 'stdout', text: `line ${index}` }, 'build', null);
      await writer.flush();
    }
    const texts = (await linesOf(logs, workspaceId, 'log')).map(({ text }) => text);
    assert.match(
      texts.join('\n'),
      /^line 0\nThe quota of 10,000,000,000 characters of logs .* Further output is not stored\.$/,
    );
  });

  test('only followers receive unfinished lines, until the step has finished them', async () => {
    const { store, workspaceId, logs } = await openLog();
    const writer = logs.writer(workspaceId, 'log');
    const line = (text: string) => ({ at: 1000, stream: 'stdout', text }) as const;
    const received: string[] = [];
    const reading = (async () => {
      const { signal } = new AbortController();
      for await (const piece of logs.read(workspaceId, 'log', {
        from: 0,
        follow: true,
        includeUnfinished: true,
        signal,
      })) {
        for (const json of piece.trim().split('\n')) {
          const { text, partial } = JSON.parse(json) as LogLine;
          received.push(partial === true ? `${text}…` : text);
        }
      }
    })();
    writer.showUnfinished(line('Progress 10%'), 'build', null);
    await until(async () => received.length === 1);
    writer.showUnfinished(line('Progress 20%'), 'build', null);
    await until(async () => received.length === 2);
    writer.write(line('Progress 100%'), 'build', null);
    await writer.flush();
    await until(async () => received.length === 3);
    writer.showUnfinished(line('Continue? '), 'build', null);
    await until(async () => received.length === 4);
    assert.deepEqual(
      (await linesOf(logs, workspaceId, 'log')).map(({ text }) => text),
      ['Progress 100%'],
    );
    await store.transaction((trx) => logs.close(trx, workspaceId, 'log'));
    await reading;
    assert.deepEqual(received, ['Progress 10%…', 'Progress 20%…', 'Progress 100%', 'Continue? …']);
  });

  test('a search ignores case and color codes', async () => {
    async function* log() {
      const line = (text: string) => `${JSON.stringify({ text })}\n`;
      yield line('No ERROR here') + line('fine');
      yield line('an er\u001b[31mror') + line('"error"') + line('err or');
    }
    let found = '';
    for await (const piece of searchLines(log(), 'Error')) found += piece;
    assert.deepEqual(
      found
        .trim()
        .split('\n')
        .map((json) => (JSON.parse(json) as LogLine).text),
      ['No ERROR here', 'an er\u001b[31mror', '"error"'],
    );
  });

  test('followers of one workspace cannot use up the capacity for followers of another workspace', async () => {
    const { store, workspaceId, logs } = await openLog();
    const other = await seedWorkspace(store);
    await store.transaction((trx) => logs.open(trx, other.workspaceId, 'other'));
    const finished = new AbortController();
    const follow = (workspace: string, logId: string) =>
      logs.read(workspace, logId, { from: 0, follow: true, signal: finished.signal }).next();
    const following: Promise<unknown>[] = [];
    let refusal: unknown = null;
    while (refusal === null && following.length < 500) {
      const firstPiece = follow(workspaceId, 'log');
      // A rejected reader fails immediately; an accepted one waits for lines.
      refusal = await Promise.race([firstPiece.then(() => null).catch((error: unknown) => error), setImmediate(null)]);
      if (refusal === null) following.push(firstPiece);
    }
    // A single workspace gets at most half of the capacity.
    assert.equal(following.length, 250);
    assert.equal((refusal as { code?: string }).code, 'unavailable');
    const otherFollower = follow(other.workspaceId, 'other');
    finished.abort();
    assert.deepEqual(await otherFollower, { value: undefined, done: true });
    await Promise.all(following);
  });

  test('lines are read in order, from any line number, and only in their own workspace', async () => {
    const { store, workspaceId, logs } = await openLog();
    const writer = logs.writer(workspaceId, 'log');
    const texts = Array.from({ length: 40 }, (_, index) => `line ${index} é\n"x"`);
    for (const [index, text] of texts.entries()) {
      writer.write({ at: 1000 + index, stream: 'stdout', text }, 'build', 'srv_1');
      if (index % 3 === 0) await writer.flush();
    }
    await writer.flush();
    const read = await linesOf(logs, workspaceId, 'log');
    assert.deepEqual(read[0], {
      at: '1970-01-01T00:00:01.000Z',
      stream: 'stdout',
      step: 'build',
      serverId: 'srv_1',
      text: texts[0],
    });
    for (const from of [0, 1, 7, 39, 40, 1000]) {
      assert.deepEqual(
        (await linesOf(logs, workspaceId, 'log', { from })).map(({ text }) => text),
        texts.slice(from),
      );
    }
    // Ending the log merges its chunks and does not change its content.
    const readChunkRows = () => store.read.selectFrom('log_chunk').selectAll().execute();
    assert.ok((await readChunkRows()).length > 10);
    await writer.end();
    assert.equal((await readChunkRows()).length, 1);
    for (const from of [0, 5, 39]) {
      assert.deepEqual(
        (await linesOf(logs, workspaceId, 'log', { from })).map(({ text }) => text),
        texts.slice(from),
      );
    }
    const other = await seedWorkspace(store);
    assert.deepEqual(await linesOf(logs, other.workspaceId, 'log'), []);
  });

  test('followers on any node receive new lines until the log is closed', async () => {
    const { store, workspaceId, logs } = await openLog();
    const otherNode = createLogs({ store, ...dependencies });
    const writer = logs.writer(workspaceId, 'log');
    writer.writeSystemLine('first');
    await writer.flush();
    const lines = linesOf(logs, workspaceId, 'log', { follow: true });
    const linesOnOtherNode = linesOf(otherNode, workspaceId, 'log', { follow: true, from: 1 });
    writer.writeSystemLine('second');
    await writer.flush();
    await store.transaction((trx) => otherNode.appendSystemLine(trx, workspaceId, 'log', 'other node'));
    writer.writeSystemLine('third');
    await writer.flush();
    await store.transaction((trx) => logs.close(trx, workspaceId, 'log'));
    writer.writeSystemLine('too late');
    await writer.end();
    assert.deepEqual(
      (await lines).map(({ text }) => text),
      ['first', 'second', 'other node', 'third'],
    );
    assert.deepEqual(
      (await linesOnOtherNode).map(({ text }) => text),
      ['second', 'other node', 'third'],
    );
  });

  test('a follower ends when its client disconnects and when the process stops', async () => {
    const { workspaceId, logs } = await openLog();
    const disconnect = new AbortController();
    const disconnected = linesOf(logs, workspaceId, 'log', { follow: true, signal: disconnect.signal });
    disconnect.abort();
    assert.deepEqual(await disconnected, []);
    const stopped = linesOf(logs, workspaceId, 'log', { follow: true });
    logs.stop();
    assert.deepEqual(await stopped, []);
  });

  test('the size of a log is limited, its last line says that the log is full, and it is stored compressed', async () => {
    const { store, workspaceId, logs } = await openLog();
    const writer = logs.writer(workspaceId, 'log');
    const text = 'x'.repeat(8000);
    for (let index = 0; index < 3000; index++) {
      writer.write({ at: 1, stream: 'stdout', text }, null, null);
      if (index % 50 === 0) await writer.flush();
    }
    await writer.end();
    const lines = await linesOf(logs, workspaceId, 'log');
    assert.ok(lines.length > 1500 && lines.length < 2200, String(lines.length));
    assert.deepEqual(
      [lines.at(-1)?.stream, lines.at(-1)?.text],
      ['system', 'This log is full; further output is not stored.'],
    );
    const chunks = await store.read.selectFrom('log_chunk').selectAll().execute();
    assert.ok(chunks.reduce((sum, { data }) => sum + data.length, 0) < 1_000_000);
  });

  test('any well-formed text is read exactly as it was written', async () => {
    const { workspaceId, logs } = await openLog();
    const writer = logs.writer(workspaceId, 'log');
    const texts = fc.sample(fc.string({ unit: 'binary' }), 300).filter((text) => text.isWellFormed());
    for (const [index, text] of texts.entries()) {
      writer.write({ at: 1, stream: 'stderr', text }, null, null);
      if (index % 7 === 0) await writer.flush();
    }
    await writer.end();
    assert.deepEqual(
      (await linesOf(logs, workspaceId, 'log')).map(({ text }) => text),
      texts,
    );
  });
});
