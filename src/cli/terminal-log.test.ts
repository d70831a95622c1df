import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../server/logger.ts';
import { formatLogLine } from './terminal-log.ts';

test('a log entry is formatted as one line with level, message, error and fields, without control characters', () => {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (json) => void lines.push(formatLogLine(json)) });
  logger.info({ method: 'GET', route: '/v1/\u001b[2Japps', status: 200 }, 'request');
  logger.error({ err: new Error('ECONNREFUSED\nagain') }, 'a message was not sent');
  logger.warn('stopping');
  assert.deepEqual(lines, [
    'info: request method="GET" route="/v1/\\u001b[2Japps" status=200',
    'error: a message was not sent: ECONNREFUSED again',
    'warning: stopping',
  ]);
});
