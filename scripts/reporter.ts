import type { TestEvent } from 'node:test/reporters';

/** Matches the line that is printed after each test. `scripts/test.ts` uses it to detect a stuck file. */
export const TEST_ENDED = /\0(.*)\n/g;

/** Matches the line with the numbers of passed and failed tests, which is printed at the end. */
export const TEST_COUNTS = /\ncounts (\{.*\})\n/;

/**
 * Prints the output of the tests and each failure, then the numbers of passed and failed tests for `scripts/test.ts`.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') yield `\0${event.data.name.replaceAll('\n', ' ')}\n`;
    if (event.type === 'test:fail') {
      const { name, file, details } = event.data;
      const isSuite = details.type === 'suite';
      const cause = (details.error.cause ?? details.error) as Error;
      if (!isSuite) yield `\n✖ ${name} (${file ?? ''})\n${cause.stack ?? String(cause)}\n`;
    }
    if (event.type === 'test:stderr' || event.type === 'test:stdout') yield event.data.message;
    if (event.type === 'test:summary' && event.data.file === undefined) {
      const { tests, passed, skipped, todo } = event.data.counts;
      yield `\ncounts ${JSON.stringify({ passed, failed: tests - passed - skipped - todo })}\n`;
    }
  }
}
