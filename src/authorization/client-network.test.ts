import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientNetwork } from './client-network.ts';

test('all spellings of an IPv6 /64 are one client, and an IPv4-mapped address is its IPv4 address', () => {
  const rows: [address: string, network: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:c000:0201', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:ffff::2', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3::5:6:192.0.2.1', '1:2:3:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['', ''],
    ['device 2001:db8::1', 'device 2001:db8::1'],
    [':'.repeat(50), ':'.repeat(50)],
  ];
  for (const [address, network] of rows) assert.equal(clientNetwork(address), network, address);
});

test('clientNetwork accepts any text and is idempotent', () => {
  fc.assert(fc.property(fc.ipV4(), (address) => clientNetwork(address) === address));
  fc.assert(fc.property(fc.ipV4(), (address) => clientNetwork(`::ffff:${address}`) === address));
  const text = fc.oneof(fc.ipV6(), fc.string({ maxLength: 60 }));
  fc.assert(fc.property(text, (address) => clientNetwork(clientNetwork(address)) === clientNetwork(address)));
});
