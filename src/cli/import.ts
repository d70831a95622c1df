import type { CredentialImport } from '../contract/imports.ts';
import { IMPORT_LIMITS } from '../contract/limits.ts';
import type { Client } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { readFileOrStdin } from './files.ts';
import { describeLineErrors, type ImportLine, parseImport } from './import-file.ts';
import { parseChoice } from './input.ts';
import { countOf, printJson, printList, printNote } from './output.ts';
import { startProgress } from './progress.ts';

export interface ImportOptions extends RemoteOptions {
  readonly format: string | undefined;
  readonly dryRun: true | undefined;
}

/** Maximum size of the credentials in a request, as JSON. Less than `LIMITS.bodyBytes`. */
const MAX_CHUNK_BYTES = 500_000;
/** Long, because each credential needs several writes and the server imports all credentials of a request or none. */
const REQUEST_TIMEOUT_MS = 120_000;

function formatOf(file: string, format: string | undefined): 'csv' | 'ndjson' {
  const name = format ?? /\.(csv|ndjson)$/.exec(file)?.[1];
  if (name === undefined) throw new Failure(`The format of ${file} is unknown. Pass --format csv or --format ndjson.`);
  return parseChoice('--format', name, ['csv', 'ndjson']);
}

/** Splits the credentials into chunks, one for each request. Pure. */
export function toChunks(lines: readonly ImportLine[]): ImportLine[][] {
  const chunks: ImportLine[][] = [];
  let chunkBytes = 0;
  for (const line of lines) {
    const addedBytes = Buffer.byteLength(JSON.stringify(line.credential));
    const chunk = chunks.at(-1);
    const hasRoom =
      chunk !== undefined && chunk.length < IMPORT_LIMITS.credentials && chunkBytes + addedBytes <= MAX_CHUNK_BYTES;
    if (hasRoom) {
      chunk.push(line);
      chunkBytes += addedBytes;
    } else {
      chunks.push([line]);
      chunkBytes = addedBytes;
    }
  }
  return chunks;
}

/** Sends the credentials of a chunk. `importedCount` is the number of credentials that earlier chunks imported. */
async function sendChunk(
  client: Client,
  chunk: readonly ImportLine[],
  { dryRun, importedCount }: { readonly dryRun: boolean; readonly importedCount: number },
) {
  const credentials = chunk.map(({ credential }) => credential);
  try {
    return await client.importCredentials({ credentials }, { dryRun }, { timeout: REQUEST_TIMEOUT_MS });
  } catch (error) {
    const lineErrors = error instanceof DevpilotError ? describeLineErrors(error.errors, chunk) : null;
    const firstLine = chunk[0]?.line ?? 0;
    if (importedCount > 0) printNote(`Imported all credentials before line ${firstLine}, ${importedCount} in total.`);
    if (lineErrors === null) throw error;
    throw new Failure(importedCount === 0 ? `${lineErrors}\nNothing was imported.` : lineErrors);
  }
}

/** Imports the credentials of a file. If they need several requests, all are checked before any is imported. */
export async function importCredentials(file: string, options: ImportOptions): Promise<void> {
  const format = formatOf(file, options.format);
  const lines = parseImport(await readFileOrStdin(file), format);
  if (lines.length === 0) throw new Failure('The file contains no credentials.');
  const client = connect(options);
  const chunks = toChunks(lines);
  const progress = startProgress('Checking credentials …', options.quiet);
  const imported: CredentialImport['credentials'] = [];
  try {
    if (options.dryRun === true || chunks.length > 1) {
      for (const chunk of chunks) await sendChunk(client, chunk, { dryRun: true, importedCount: 0 });
    }
    if (options.dryRun !== true) {
      for (const chunk of chunks) {
        progress.update(`Imported ${imported.length} of ${lines.length} credentials …`);
        const chunkOptions = { dryRun: false, importedCount: imported.length };
        imported.push(...(await sendChunk(client, chunk, chunkOptions)).credentials);
      }
    }
  } finally {
    progress.end();
  }
  const results = imported.map((credential, index) => ({ line: lines[index]?.line ?? 0, ...credential }));
  if (options.json === true) return printJson({ dryRun: options.dryRun === true, credentials: results });
  if (options.dryRun === true) return printNote(`All credentials can be imported: ${lines.length}.`, options);
  await printList(
    results,
    [
      { title: 'LINE', getValue: ({ line }) => line },
      { title: 'ID', getValue: ({ id }) => id },
      { title: 'KIND', getValue: ({ kind }) => kind },
      { title: 'NAME', getValue: ({ name }) => name },
    ],
    options,
  );
  printNote(`Imported ${countOf(imported.length, 'credential')}.`, options);
}
