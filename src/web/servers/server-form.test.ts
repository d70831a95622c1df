import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSshAddress } from './server-form.ts';

test('the address of a server contains the port if it is not 22, after an IPv6 address in brackets', () => {
  const format = (host: string, port: number) => formatSshAddress({ user: 'deploy', host, port });
  assert.equal(format('web-1.example.com', 22), 'deploy@web-1.example.com');
  assert.equal(format('web-1.example.com', 2222), 'deploy@web-1.example.com:2222');
  assert.equal(format('2001:db8::1', 22), 'deploy@2001:db8::1');
  assert.equal(format('2001:db8::1', 2222), 'deploy@[2001:db8::1]:2222');
});
