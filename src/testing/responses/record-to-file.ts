import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { recordResponses, responseKey } from './recorder.ts';

/**
 * Loaded into a server with `--import`: appends every response that it sends, once, to the file that the query of this
 * module's URL names, as a line of JSON. The test that started the server validates them, even if the server is killed.
 */
const file = new URL(import.meta.url).searchParams.get('file');
const seen = new Set<string>();

if (isMainThread && file !== null) {
  recordResponses((response) => {
    const key = responseKey(response);
    if (seen.has(key)) return;
    seen.add(key);
    appendFileSync(file, `${JSON.stringify(response)}\n`);
  });
}
