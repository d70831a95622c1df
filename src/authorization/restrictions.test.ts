import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddressRange, parseAddressRange } from '../contract/address-ranges.ts';
import { NO_RESTRICTIONS } from '../contract/restrictions.ts';
import { allowsAddress, compileRestrictions } from './restrictions.ts';

function allows(ranges: readonly string[], address: string): boolean {
  const compiled = compileRestrictions({ ...NO_RESTRICTIONS, addresses: ranges });
  assert.ok(compiled);
  return allowsAddress(compiled, address);
}

test('a credential can be used only from addresses in the listed ranges', () => {
  const ranges = ['10.0.0.0/8', '10.1.0.0/16', '203.0.113.7', '2001:db8::/32', '::1'];
  const allowed = ['10.0.0.0', '10.255.255.255', '203.0.113.7', '::ffff:203.0.113.7', '2001:db8:ffff::1', '::1'];
  for (const address of allowed) assert.ok(allows(ranges, address), address);
  for (const address of ['9.255.255.255', '11.0.0.0', '203.0.113.8', '2001:db9::', '::2', '', 'unknown', '::a00:1'])
    assert.ok(!allows(ranges, address), address);
  assert.ok(allows(['fe80::/10'], 'fe80::1%eth0'));
});

test('an IPv6 range contains no IPv4 address, not even a mapped one', () => {
  assert.ok(!allows(['::/0'], '203.0.113.7'));
  assert.ok(!allows(['::/0'], '::ffff:203.0.113.7'));
  assert.ok(allows(['0.0.0.0/0'], '::ffff:203.0.113.7'));
});

test('`allowsAddress` agrees with the block list of Node.js', () => {
  // Few distinct bytes, so that addresses often fall into ranges.
  const byte = fc.constantFrom(0, 1, 127, 128, 255);
  const ipv4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join('.'));
  const ipv6 = fc
    .array(fc.constantFrom('0', '1', '8000', 'ffff'), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.join(':'))
    // `allowsAddress` treats IPv4-mapped addresses as IPv4, so they are excluded.
    .filter((text) => !text.startsWith('0:0:0:0:0:ffff'));
  const range = fc.oneof(
    fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => `${address}/${prefix}`),
    fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })).map(([address, prefix]) => `${address}/${prefix}`),
  );
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 64 }), fc.oneof(ipv4, ipv6), (ranges, address) => {
      const list = new BlockList();
      const family = address.includes(':') ? 'ipv6' : 'ipv4';
      for (const text of ranges) {
        const parsed = parseAddressRange(text);
        assert.ok(parsed);
        // Unlike in `allowsAddress`, an IPv6 range in a block list can also contain an IPv4 address.
        if (family !== `ipv${parsed.family}`) continue;
        const [base = ''] = formatAddressRange(parsed).split('/');
        list.addSubnet(base, parsed.prefixLength, family);
      }
      assert.equal(allows(ranges, address), list.check(address, family), `${address} in ${ranges.join(' ')}`);
    }),
    { numRuns: 2_000 },
  );
});

test('restrictions that restrict nothing compile to null', () => {
  assert.equal(compileRestrictions(NO_RESTRICTIONS), null);
  assert.equal(compileRestrictions(null), null);
});
