import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mintSecret } from '../../authorization/secret.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { readStoredEvent } from './sentry-envelope.ts';

test('no part of a secret is stored, wherever a message is truncated and however many secrets are in it', async () => {
  const max = RESOURCE_LIMITS.errorMessage;
  for (let shift = 0; shift < 400; shift += 7) {
    const secrets = Array.from({ length: 6 }, () => mintSecret('api_key'));
    const message = `${secrets.slice(0, 5).join(' ')} ${'.'.repeat(max - shift)}${secrets[5]}`;
    const { errors } = await readStoredEvent(Buffer.from(JSON.stringify({ message })), 0);
    const stored = errors[0]?.message ?? '';
    assert.ok(stored.length <= max);
    assert.match(stored, /^(?:\[secret\] ){5}\.*(?:\[secret\]|\[?[a-z]{0,6})$/, String(shift));
  }
});
