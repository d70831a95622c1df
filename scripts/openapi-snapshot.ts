/**
 * Updates the snapshot of the API on which clients rely. Refuses breaking changes unless run with `--accept`; a
 * breaking change also requires an entry in CHANGELOG.md.
 */
import { writeFileSync } from 'node:fs';
import { compareFacts, extractFacts, readSnapshot, SNAPSHOT_PATH } from '../src/testing/openapi-facts.ts';
import { generateDocument } from '../src/testing/responses/document.ts';

const facts = extractFacts(await generateDocument());
const { breaking, compatible } = compareFacts(readSnapshot(), facts);
const isAccepted = breaking.length === 0 || process.argv.includes('--accept');
if (breaking.length > 0) process.stdout.write(`Breaking changes:\n${breaking.join('\n')}\n`);
if (isAccepted) writeFileSync(SNAPSHOT_PATH, `${facts.join('\n')}\n`);
else process.stdout.write('Restore the API, or describe the change in CHANGELOG.md and run this with --accept.\n');
process.stdout.write(`${breaking.length} breaking and ${compatible.length} compatible changes.\n`);
process.exitCode = isAccepted ? 0 : 1;
