import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RESTRICTIONS, type Restrictions } from './restrictions.ts';
import { widerRestriction } from './wider-restriction.ts';

const rate = (requests: number, seconds: number) => ({ rate: { requests, seconds } });

test('requested restrictions that allow more than the granted ones are detected', () => {
  const rows: [
    granted: Partial<Restrictions>,
    requested: Partial<Restrictions>,
    expected: keyof Restrictions | null,
  ][] = [
    [{}, {}, null],
    [{}, { addresses: ['10.0.0.0/8'], projects: ['p'], apps: ['a'], ...rate(1, 1), maxUses: 1 }, null],
    [{ addresses: ['10.0.0.0/8'] }, { addresses: ['10.0.0.0/8'] }, null],
    [{ addresses: ['10.0.0.0/8', '2001:db8::/32'] }, { addresses: ['10.1.2.3', '2001:db8:1::/48'] }, null],
    [{ addresses: ['0.0.0.0/0'] }, { addresses: ['::ffff:10.1.2.3'] }, null],
    [{ addresses: ['10.0.0.0/8'] }, {}, 'addresses'],
    [{ addresses: ['10.0.0.0/8'] }, { addresses: ['10.0.0.0/7'] }, 'addresses'],
    [{ addresses: ['10.0.0.0/8'] }, { addresses: ['10.1.2.3', '11.0.0.1'] }, 'addresses'],
    [{ addresses: ['0.0.0.0/0'] }, { addresses: ['::1'] }, 'addresses'],
    [{ addresses: ['::/0'] }, { addresses: ['10.1.2.3'] }, 'addresses'],
    // The two granted ranges together contain the requested range, but neither range alone does.
    [{ addresses: ['10.0.0.0/9', '10.128.0.0/9'] }, { addresses: ['10.0.0.0/8'] }, 'addresses'],
    [{ projects: ['p', 'q'], apps: ['a'] }, { projects: ['q'] }, null],
    [{ projects: ['p', 'q'], apps: ['a'] }, { apps: ['a'] }, null],
    [{ projects: ['p'] }, {}, 'projects'],
    [{ apps: ['a'] }, {}, 'apps'],
    [{ projects: ['p'] }, { projects: ['p', 'q'] }, 'projects'],
    [{ projects: ['p'] }, { projects: ['p'], apps: ['a'] }, 'apps'],
    [{ apps: ['a'] }, { apps: ['a', 'b'] }, 'apps'],
    [{ apps: ['a'] }, { projects: ['a'] }, 'projects'],
    [rate(10, 60), rate(10, 60), null],
    [rate(10, 60), rate(5, 30), null],
    [rate(10, 60), rate(10, 61), null],
    [rate(10, 60), {}, 'rate'],
    [rate(10, 60), rate(10, 59), 'rate'],
    [rate(10, 60), rate(11, 6_000), 'rate'],
    [{ maxUses: 5 }, { maxUses: 5 }, null],
    [{ maxUses: 5 }, { maxUses: 6 }, 'maxUses'],
    [{ maxUses: 5 }, {}, 'maxUses'],
  ];
  for (const [granted, requested, expected] of rows) {
    const actual = widerRestriction({ ...NO_RESTRICTIONS, ...granted }, { ...NO_RESTRICTIONS, ...requested });
    assert.equal(actual, expected, JSON.stringify([granted, requested]));
  }
});
