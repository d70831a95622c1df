import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSpanFilter, newBits, note, placesOf } from './span-filter.ts';

test('every span that holds an event is named for it, whatever the spans and whatever else they hold', () => {
  const spans = fc.uniqueArray(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 20 });
  const keys = fc.array(fc.string(), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(spans, keys, fc.nat(), (numbers, words, spread) => {
      const filter = createSpanFilter();
      const held = numbers.map((span, at) => ({
        span,
        own: words.filter((_, word) => (word * 7 + spread + at) % 3 === 0),
      }));
      for (const { span, own } of held) {
        const bits = newBits();
        for (const word of own) note(bits, placesOf(word));
        filter.add(span, bits);
      }
      for (const { span, own } of held) {
        for (const word of own) assert.ok(filter.spansFor(placesOf(word)).includes(span));
      }
    }),
    { numRuns: 50 },
  );
});

test('a span that does not hold an event is named for it about once in 2,000 times', () => {
  const bits = newBits();
  for (let at = 0; at < 16_384; at++) note(bits, placesOf(`there ${at}`));
  const filter = createSpanFilter();
  filter.add(5, bits);
  filter.add(6, newBits());
  let named = 0;
  for (let at = 0; at < 20_000; at++) named += filter.spansFor(placesOf(`not there ${at}`)).length;
  assert.ok(named < 40, `${named} of 20,000`);
  assert.equal(filter.bytes, 1 << 19);
});
