import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sanitizeInline } from './output.ts';
import { sanitizeJson, sanitizeLine, sanitizeStyledLine, sanitizeText } from './sanitize.ts';

const CONTROL_OUTPUT: readonly (readonly [string, string])[] = [
  ['::add-mask::value', ': :add-mask::value'],
  ['  ::set-output name=a::b', '  : :set-output name=a::b'],
  ['done ##vso[task.setvariable variable=a]b', 'done # #vso[task.setvariable variable=a]b'],
  ['##[group]build', '# #[group]build'],
  ["##teamcity[buildStatus status='SUCCESS']", "# #teamcity[buildStatus status='SUCCESS']"],
  ['\u001b[0Ksection_start:1700000000:build\r\u001b[0KBuild', 'section_ start:1700000000:build\ufffdBuild'],
  ['travis_fold:start:x', 'travis_ fold:start:x'],
  ['\u001b[31mred\u001b[0m\u0007\u009b2J', 'red\ufffd'],
  ['\u001b]0;title\u0007after', 'after'],
  ['a\u202egnp.exe', 'a\ufffdgnp.exe'],
];

test('a sanitized line contains nothing that a terminal or a build system interprets', () => {
  for (const [line, expected] of CONTROL_OUTPUT) assert.equal(sanitizeLine(line), expected);
  for (const line of ['std::vector<int>', 'a\tb', '## Heading', 'C# ##', 'key: value', '日本語 – 😀'])
    assert.equal(sanitizeLine(line), line);
  assert.equal(sanitizeText('one\n::error::two'), 'one\n: :error::two');
  assert.equal(sanitizeInline('a\n::error::b\tc'), 'a\ufffd::error::b\ufffdc');
});

test('a sanitized styled line keeps its colors, but no other control sequence', () => {
  assert.equal(sanitizeStyledLine('plain'), 'plain');
  assert.equal(sanitizeStyledLine('\u001b[1;38;5;9mred\u001b[0m end'), '\u001b[1;38;5;9mred\u001b[0m end\u001b[0m');
  const hostile =
    '\u001b[31m\u001b]0;ti\u001b[32mtle\u0007\u001b[2J\u001b[1Aup\u009b5n\u001b[>4;2m\u001b[?25l\u001bc\r';
  assert.doesNotMatch(sanitizeStyledLine(hostile).replace(/\u001b\[[\d;]*m/g, ''), /\p{Cc}/u);
  for (const [line] of CONTROL_OUTPUT)
    assert.doesNotMatch(
      sanitizeStyledLine(line).replace(/\u001b\[[\d;]*m/g, ''),
      /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/,
    );
});

test('sanitized JSON has the same value and contains no control sequences', () => {
  for (const [line] of CONTROL_OUTPUT) {
    const json = sanitizeJson(JSON.stringify({ text: line }));
    assert.deepEqual(JSON.parse(json), { text: line });
    assert.doesNotMatch(json, /[\u0000-\u001f\u007f-\u009f\u202e]|##|section_start/);
  }
});
