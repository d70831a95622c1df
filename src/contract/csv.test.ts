import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvCell, csvRow } from './csv.ts';

test('cells that a spreadsheet would run as formulas are escaped', () => {
  for (const start of ['=', '+', '-', '@', '\t', '＝']) assert.equal(csvCell(`${start}1+1`), `'${start}1+1`);
  assert.equal(csvCell('=HYPERLINK("http://x","y")'), `"'=HYPERLINK(""http://x"",""y"")"`);
  assert.equal(csvCell('CI/CD Pipeline'), 'CI/CD Pipeline');
  assert.equal(csvCell(null), '');
});

test('commas, quotes and line breaks are preserved', () => {
  assert.equal(csvRow(['a,b', 'say "hi"', 'one\ntwo', 3]), '"a,b","say ""hi""","one\ntwo",3\r\n');
});
