import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerResources } from './server-resources.ts';

test('the values that Linux prints are parsed', () => {
  const lines = [
    'MemTotal:       16384000 kB',
    'MemAvailable:    8192000 kB',
    'load 0.52 0.58 0.59 1/467 12345',
    'cpus 4',
    'disk 41152736 20576368 18456128  53% /srv/shop',
    'disk  /srv/behind a mount that df cannot read',
  ];
  assert.deepEqual(parseServerResources(lines, 2), {
    disks: [{ directory: '/srv/shop', totalBytes: 42_140_401_664, freeBytes: 18_899_075_072 }],
    memory: { totalBytes: 16_777_216_000, availableBytes: 8_388_608_000 },
    load: [0.52, 0.58, 0.59],
    cpuCount: 4,
  });
});

test('missing or forged values are null, and excess lines about disks are ignored', () => {
  const none = { disks: [], memory: null, load: null, cpuCount: null };
  assert.deepEqual(parseServerResources([], 1), none);
  const forged = [
    'MemTotal: 99999999999999999999 kB',
    'MemAvailable: 1 kB',
    'load 1.2.3 x 1e9 ',
    'cpus -1',
    'disk 1 1 1e9 5% /',
  ];
  assert.deepEqual(parseServerResources(forged, 1), none);
  // At most four lines about other values and one line per directory are read.
  const repeatedLines = Array.from({ length: 1000 }, () => 'disk 1 1 1 5% /');
  assert.equal(parseServerResources(repeatedLines, 1).disks.length, 5);
});
