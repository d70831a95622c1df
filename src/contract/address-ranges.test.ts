import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddressRange, parseAddress, parseAddressRange } from './address-ranges.ts';

const normalize = (text: string): string | null => {
  const range = parseAddressRange(text);
  return range === null ? null : formatAddressRange(range);
};

test('addresses and ranges are normalized to a canonical form', () => {
  const forms: Readonly<Record<string, string | null>> = {
    '203.0.113.7': '203.0.113.7',
    '203.0.113.7/32': '203.0.113.7',
    '203.0.113.7/24': '203.0.113.0/24',
    '203.0.113.255/31': '203.0.113.254/31',
    '0.0.0.0/0': '0.0.0.0/0',
    '255.255.255.255': '255.255.255.255',
    '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
    '2001:db8::1/32': '2001:db8::/32',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '::': '::',
    '::/0': '::/0',
    '1::': '1::',
    '::1': '::1',
    'fe80::1/10': 'fe80::/10',
    '::ffff:192.0.2.7': '192.0.2.7',
    '::ffff:c000:207': '192.0.2.7',
    '::ffff:192.0.2.7/120': '192.0.2.0/24',
    '::ffff:0:0/95': null,
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
    '192.0.2.07': null,
    '192.0.2': null,
    '192.0.2.256': null,
    '192.0.2.1.1': null,
    '192.0.2.1/33': null,
    '192.0.2.1/024': null,
    '192.0.2.1/': null,
    '192.0.2.1/8/8': null,
    ' 192.0.2.1': null,
    '::1/129': null,
    ':1': null,
    '1:': null,
    '1::2::3': null,
    '1:2:3:4:5:6:7:8:9': null,
    '1:2:3:4:5:6:7::8': null,
    '::12345': null,
    'fe80::1%eth0': null,
    'example.com': null,
    '': null,
  };
  for (const [text, expected] of Object.entries(forms)) assert.equal(normalize(text), expected, text);
});

test('of texts without a zone, the parser accepts exactly those that Node.js accepts as addresses', () => {
  const words = new Uint32Array(4);
  const almostAddress = fc.string({ unit: fc.constantFrom(...'0123456789abF.:/'), maxLength: 20 });
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), almostAddress), (text) => {
      const family = parseAddress(text, words);
      assert.equal(family !== 0, isIP(text) !== 0, text);
      if (family !== 0) assert.equal(normalize(normalize(text) ?? ''), normalize(text), text);
    }),
    { numRuns: 5_000 },
  );
});
