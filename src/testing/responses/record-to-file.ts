import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { recordResponses, responseKey } from './recorder.ts';

/**
 * Loaded into a server with `--import`: appends every distinct response as a line of JSON to the file that the query of
 * this module's URL specifies. The test that started the server validates the responses, even if the server was killed.
 */
const file = new URL(import.meta.url).searchParams.get('file');
const recordedKeys = new Set<string>();

if (isMainThread && file !== null) {
  recordResponses((response) => {
    const key = responseKey(response);
    if (recordedKeys.has(key)) return;
    recordedKeys.add(key);
    appendFileSync(file, `${JSON.stringify(response)}\n`);
  });
}
