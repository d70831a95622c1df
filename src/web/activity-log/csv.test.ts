import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvCell, csvLine, lineStream } from './csv.ts';

test('cells that a spreadsheet would run are disarmed', () => {
  for (const start of ['=', '+', '-', '@', '\t']) assert.equal(csvCell(`${start}1+1`), `'${start}1+1`);
  assert.equal(csvCell('=HYPERLINK("http://x","y")'), `"'=HYPERLINK(""http://x"",""y"")"`);
  assert.equal(csvCell('CI/CD Pipeline'), 'CI/CD Pipeline');
  assert.equal(csvCell(null), '');
});

test('commas, quotes and line breaks are kept', () => {
  assert.equal(csvLine(['a,b', 'say "hi"', 'one\ntwo', 3]), '"a,b","say ""hi""","one\ntwo",3\r\n');
});

test('lines are whole, however the stream is cut', async () => {
  const text = '{"a":1}\n{"b":"é"}\n{"c":3}';
  for (const size of [1, 3, 7, 100]) {
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    const stream = new ReadableStream<string>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    const lines = await Array.fromAsync(stream.pipeThrough(lineStream()));
    assert.deepEqual(lines, ['{"a":1}', '{"b":"é"}', '{"c":3}']);
  }
});
