import { ESCAPE_SEQUENCES } from '../../contract/escape-sequences.ts';
import type { LogLine } from '../../contract/logs.ts';
import { createYielder } from '../bounded-json.ts';

/**
 * Yields the lines of a log that contain a text, as chunks of newline-delimited JSON; ignores case and terminal escape
 * sequences. Runs in several turns of the event loop, so that a long log does not delay other requests.
 */
export async function* searchLines(chunks: AsyncGenerator<string>, text: string): AsyncGenerator<string> {
  const lowerCaseText = text.toLowerCase();
  const yieldIfDue = createYielder();
  for await (const chunk of chunks) {
    let matches = '';
    for (let start = 0; start < chunk.length; ) {
      const lineEnd = chunk.indexOf('\n', start);
      const end = lineEnd < 0 ? chunk.length : lineEnd + 1;
      const json = chunk.slice(start, end);
      const line = JSON.parse(json) as LogLine;
      if (line.text.replace(ESCAPE_SEQUENCES, '').toLowerCase().includes(lowerCaseText)) matches += json;
      start = end;
      const pause = yieldIfDue();
      if (pause !== undefined) await pause;
    }
    if (matches !== '') yield matches;
  }
}
