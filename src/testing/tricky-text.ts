import fc from 'fast-check';

/** Generates text with characters that are likely to confuse a parser. */
export const trickyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        "'",
        '`',
        '\\',
        '\n',
        '\r',
        '\r\n',
        '\t',
        '#',
        ' #',
        '$',
        '$(id)',
        '=',
        ' ',
        '\\n',
        'é',
        '\u2028',
        '\uFEFF',
        '😀',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
