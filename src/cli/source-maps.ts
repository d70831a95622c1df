import { gzipSync } from 'node:zlib';
import type { SourceMap } from '../contract/errors.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { parseCount } from './input.ts';
import { type Column, countOf, printList, printNote, takeFirst } from './output.ts';
import { readSourceMapPairs } from './source-map-files.ts';

const COLUMNS: readonly Column<SourceMap>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'APP', getValue: ({ app }) => app },
  { title: 'FILE', getValue: ({ file }) => file },
  { title: 'DEBUG ID', getValue: ({ debugId }) => debugId },
  { title: 'BYTES', getValue: ({ bytes }) => bytes },
];

export interface UploadOptions extends RemoteOptions {
  readonly app: string;
  readonly inject: boolean;
}

/**
 * Uploads the source maps of a directory. With `inject`, first modifies scripts that report no debug ID to report one.
 */
export async function uploadSourceMaps(directory: string, { app, inject, ...options }: UploadOptions): Promise<void> {
  const { sourceMaps } = connect(options).errors;
  const pairs = readSourceMapPairs(directory, { inject });
  if (pairs.length === 0) {
    const hint = inject ? '' : ' with a debug ID';
    throw new Failure(`No script in ${directory} has a source map${hint}. Configure the bundler to write source maps.`);
  }
  const uploaded: SourceMap[] = [];
  for (const { file, debugId, map } of pairs) {
    uploaded.push(await sourceMaps.upload({ app, debugId, file }, gzipSync(map)));
  }
  await printList(uploaded, COLUMNS, options);
  const changedCount = pairs.filter(({ injected }) => injected).length;
  if (changedCount > 0)
    printNote(`Modified ${countOf(changedCount, 'script')} to report debug IDs. Deploy the modified files.`, options);
}

/** Lists source maps, newest first. */
export async function listSourceMaps(
  options: RemoteOptions & { readonly app: string | undefined; readonly limit: string },
): Promise<void> {
  const sourceMaps = connect(options).errors.sourceMaps.all({ app: options.app });
  await printList(await takeFirst(sourceMaps, parseCount('--limit', options.limit)), COLUMNS, options);
}

/** Deletes source maps. */
export async function deleteSourceMaps(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const { sourceMaps } = connect(options).errors;
  await deleteItems(
    {
      items: ids.map((id) => ({ id })),
      question: (list) => `Delete ${list}? Stack traces of their scripts will show positions in the minified files.`,
      note: (list) => `Deleted ${list}.`,
      delete: (id) => sourceMaps.delete(id),
    },
    options,
  );
}
