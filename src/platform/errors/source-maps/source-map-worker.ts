import { parentPort } from 'node:worker_threads';
import { gunzipSync, gzipSync } from 'node:zlib';
import { RESOURCE_LIMITS } from '../../../contract/limits.ts';
import {
  debugIdIn,
  findSourceMapDefect,
  type OriginalPosition,
  type Position,
  resolvePositions,
} from './source-map.ts';

/** Checks and compresses a map, or resolves positions with a compressed map. */
export type SourceMapTask =
  | { readonly kind: 'check'; readonly bytes: Uint8Array }
  | { readonly kind: 'resolve'; readonly packed: Uint8Array; readonly positions: readonly Position[] };
/** `defect` describes why the map is rejected. */
export type SourceMapReply =
  | { readonly defect: string }
  | { readonly packed: Uint8Array; readonly debugId: string | null }
  | { readonly resolved: readonly (OriginalPosition | null)[] };

function parseMap(bytes: Uint8Array): unknown {
  // Some servers prepend a line such as )]}' to JSON, so that it cannot be executed as a script.
  return JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .toString('utf8')
      .replace(/^(?:\uFEFF|\)\]\}'[^\n]*\n)/, ''),
  );
}

function runTask(task: SourceMapTask): SourceMapReply {
  try {
    if (task.kind === 'check') {
      const map = parseMap(task.bytes);
      const defect = findSourceMapDefect(map);
      if (defect !== null) return { defect };
      const debugId = debugIdIn(map);
      return { packed: gzipSync(task.bytes), debugId: typeof debugId === 'string' ? debugId.slice(0, 64) : null };
    }
    const bytes = gunzipSync(task.packed, { maxOutputLength: RESOURCE_LIMITS.sourceMapUnpackedBytes });
    return { resolved: resolvePositions(parseMap(bytes), task.positions) };
  } catch (error) {
    return { defect: error instanceof SyntaxError ? 'must be JSON' : 'cannot be read' };
  }
}

parentPort?.on('message', (task: SourceMapTask) => parentPort?.postMessage(runTask(task)));
