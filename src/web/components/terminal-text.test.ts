import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toStyledText } from './terminal-styles.ts';
import { toPlainText } from './terminal-text.ts';

const ESC = '\u001b';

test('escape sequences and overwritten text are removed from a line', () => {
  assert.equal(toPlainText(`${ESC}[1;31mred${ESC}[0m and ${ESC}]0;title\u0007plain\r`), 'red and plain');
  assert.equal(toPlainText('old\rnew'), 'new');
  assert.equal(toPlainText(`old\r${ESC}[Knew\r${ESC}[K`), 'new');
});

test('colors and styles are kept, and all other control sequences are removed', () => {
  const unstyled = { color: null, background: null, decorations: [] };
  for (const [line, expected] of [
    ['plain', [{ ...unstyled, text: 'plain' }]],
    [
      `${ESC}[1;31mred${ESC}[0m <b>after</b>`,
      [
        { ...unstyled, text: 'red', color: '187, 0, 0', decorations: ['bold'] },
        { ...unstyled, text: ' <b>after</b>' },
      ],
    ],
    [
      `${ESC}[32mok${ESC}(B${ESC}[m from tput`,
      [
        { ...unstyled, text: 'ok', color: '0, 187, 0' },
        { ...unstyled, text: ' from tput' },
      ],
    ],
    [`${ESC}[38;5;196mpalette`, [{ ...unstyled, text: 'palette', color: '255, 0, 0' }]],
    [`${ESC}[38;2;1;2;3mtrue`, [{ ...unstyled, text: 'true', color: '1, 2, 3' }]],
    [`${ESC}[7;32mPASS`, [{ ...unstyled, text: 'PASS', color: '0, 0, 0', background: '0, 187, 0' }]],
    [`${ESC}[32m10%\r${ESC}[32m20%`, [{ ...unstyled, text: '20%', color: '0, 187, 0' }]],
  ] as const) {
    assert.deepEqual(toStyledText(line), expected, JSON.stringify(line));
  }
  for (const line of [
    `${ESC}[2J${ESC}[Htext`,
    `${ESC}[38:2::1:2:3mtext`,
    `${ESC}[38;2;300;0;0mtext`,
    `${ESC}[31;url(x)mtext`,
    `${ESC}]8;;javascript:alert(1)${ESC}\\text${ESC}]8;;${ESC}\\`,
    `${ESC}c${ESC}(Btext${ESC}`,
    '\u009b31mtext\u0007\b',
    `${ESC}[31mtext${ESC}[`,
  ]) {
    const pieces = toStyledText(line);
    const text = pieces.map((piece) => piece.text).join('');
    assert.match(text, /text/, JSON.stringify(line));
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f]/, JSON.stringify(line));
    for (const { color } of pieces) assert.match(color ?? '', /^(?:\d+, \d+, \d+)?$/, JSON.stringify(line));
  }
});

test('a line with too many escape sequences is shown without styles', () => {
  const line = `${`${ESC}[1m`.repeat(2000)}text`;
  assert.deepEqual(toStyledText(line), [{ text: 'text', color: null, background: null, decorations: [] }]);
});
