import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { Failure } from './failure.ts';

/** A minified file with its source map. */
export interface SourceMapPair {
  /** Path of the minified file, relative to the directory that is uploaded. */
  readonly file: string;
  readonly debugId: string;
  /** JSON of the source map. */
  readonly map: string;
  /** Whether the file and its map were modified so that Sentry SDKs report the debug ID. */
  readonly injected: boolean;
}

const MAX_FILES = 10_000;
const DEBUG_ID_COMMENT = /^\/\/[#@] debugId=([0-9a-fA-F-]{32,36})\s*$/m;
const MAP_COMMENT = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm;
const INLINE_MAP = /^data:application\/json(?:;charset=[\w-]+)?;base64,/i;
/** Global object in which Sentry SDKs look up debug IDs. A file that does not register there reports no debug ID. */
const DEBUG_ID_REGISTRY = '_sentryDebugIds';

/** Returns the scripts below a directory, without `node_modules` and names that start with `.git`. */
function findScripts(directory: string): string[] {
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw new Failure(`${directory} is not a directory. Pass the directory of the scripts and their source maps.`);
  const files = globSync('**/*.{js,mjs,cjs}', {
    cwd: directory,
    exclude: (name) => name === 'node_modules' || name.startsWith('.git'),
  });
  if (files.length > MAX_FILES)
    throw new Failure(`${directory} has more than ${MAX_FILES.toLocaleString('en')} scripts.`);
  return files.toSorted();
}

interface SourceMapText {
  /** File of the source map; null for an inline source map. */
  readonly path: string | null;
  readonly text: string;
}

/** Decodes a path in a URL. Returns it unchanged if its percent-encoding is malformed. */
function decodeUrlPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * Returns the source map of a script: the inline map, the referenced file, or otherwise the file beside the script with
 * the suffix `.map`. Null if there is none within the directory.
 */
function findMap(directory: string, scriptPath: string, script: string): SourceMapText | null {
  const url = [...script.matchAll(MAP_COMMENT)].at(-1)?.[1] ?? '';
  if (INLINE_MAP.test(url)) return { path: null, text: Buffer.from(url.replace(INLINE_MAP, ''), 'base64').toString() };
  const referencedPaths =
    url === '' || /^[a-z][a-z+.-]*:/i.test(url)
      ? []
      : [join(dirname(scriptPath), decodeUrlPath(url.replace(/[?#].*$/, '')))];
  // Files outside the directory are neither read nor modified.
  const isInside = (path: string) => !relative(directory, path).startsWith('..');
  const candidates = [...referencedPaths, `${scriptPath}.map`];
  const path = candidates.find((candidate) => isInside(candidate) && existsSync(candidate));
  return path === undefined ? null : { path, text: readFileSync(path, 'utf8') };
}

type JsonObject = Record<string, unknown>;
function parseMap(text: string, file: string): JsonObject {
  try {
    const map: unknown = JSON.parse(text);
    if (typeof map === 'object' && map !== null && !Array.isArray(map)) return map as JsonObject;
  } catch {
    // Reported below.
  }
  throw new Failure(`The source map of ${file} is not a JSON object.`);
}

/** Returns a UUID derived from the script and its map. */
function debugIdFor(script: string, map: string): string {
  const hex = createHash('sha256').update(script).update('\0').update(map).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Code that registers the debug ID under the stack trace of the script, by which Sentry SDKs recognize the script. */
const snippetFor = (debugId: string) =>
  `;(function(){try{var g=globalThis,s=new g.Error().stack;if(s){(g.${DEBUG_ID_REGISTRY}=g.${DEBUG_ID_REGISTRY}||{})[s]="${debugId}"}}catch(e){}})();`;

const HASHBANG = /^#![^\n]*\n/;
/** Directives such as "use strict", which must remain at the start of the script. */
const DIRECTIVES = /^(?:\s|\/\/[^\n]*\n|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*("use [a-z ]+"|'use [a-z ]+')/;

/**
 * Returns the script with code that registers its debug ID, and the adjusted source map. The code is inserted as the
 * first line (after a hashbang), so all later lines move down by one. Pure.
 */
export function injectDebugId(script: string, map: JsonObject, debugId: string): { script: string; map: JsonObject } {
  const [hashbang = ''] = HASHBANG.exec(script) ?? [];
  const body = script.slice(hashbang.length);
  const directive = DIRECTIVES.exec(body)?.[1] ?? '';
  const comment = DEBUG_ID_COMMENT.test(body) ? '' : `//# debugId=${debugId}\n`;
  const codeEnd = [...body.matchAll(MAP_COMMENT)].at(-1)?.index ?? body.length;
  const code = body.slice(0, codeEnd);
  const separator = comment === '' || code === '' || code.endsWith('\n') ? '' : '\n';
  const { mappings, sections } = map;
  const shiftedFields: JsonObject = {};
  // A semicolon ends the mappings of a line. The inserted line has none. A hashbang, the first line, stays in place.
  if (typeof mappings === 'string')
    shiftedFields['mappings'] = hashbang === '' ? `;${mappings}` : mappings.replace(/^([^;]*)(?:;|$)/, '$1;;');
  if (Array.isArray(sections)) {
    shiftedFields['sections'] = sections.map((section: { offset?: { line?: number } }) => ({
      ...section,
      offset: { ...section.offset, line: (section.offset?.line ?? 0) + 1 },
    }));
  }
  return {
    script: `${hashbang}${directive}${snippetFor(debugId)}\n${code}${separator}${comment}${body.slice(codeEnd)}`,
    map: { ...map, ...shiftedFields, debug_id: debugId, debugId },
  };
}

const parseDebugId = (value: unknown) =>
  typeof value === 'string' && /^[0-9a-fA-F-]{32,36}$/.test(value) ? value.toLowerCase() : null;

function writePair(scriptPath: string, sourceMap: SourceMapText, script: string, map: string): void {
  if (sourceMap.path !== null) {
    writeFileSync(sourceMap.path, map);
    writeFileSync(scriptPath, script);
    return;
  }
  const inline = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  const lastMapComment = [...script.matchAll(MAP_COMMENT)].at(-1);
  writeFileSync(scriptPath, `${script.slice(0, lastMapComment?.index ?? script.length)}${inline}\n`);
}

/**
 * Returns the scripts of a directory that have a source map, each with its debug ID. With `inject`, scripts that do not
 * report their debug ID are modified to report it; otherwise scripts without a debug ID are omitted. Throws `Failure`
 * if the directory does not exist, or if a source map is malformed or its debug ID differs from its script's.
 */
export function readSourceMapPairs(directory: string, { inject }: { readonly inject: boolean }): SourceMapPair[] {
  const pairs: SourceMapPair[] = [];
  for (const name of findScripts(directory)) {
    const scriptPath = join(directory, name);
    const script = readFileSync(scriptPath, 'utf8');
    const sourceMap = findMap(directory, scriptPath, script);
    if (sourceMap === null) continue;
    const file = relative(directory, scriptPath).split(sep).join('/');
    const map = parseMap(sourceMap.text, file);
    const existingIds = [DEBUG_ID_COMMENT.exec(script)?.[1], map['debugId'], map['debug_id']]
      .map(parseDebugId)
      .filter((id) => id !== null);
    if (new Set(existingIds).size > 1)
      throw new Failure(`${file} and its source map have different debug IDs. Build them again.`);
    const [existingId] = existingIds;
    if (existingId === undefined && !inject) continue;
    const debugId = existingId ?? debugIdFor(script, sourceMap.text);
    const injected = inject && !script.includes(DEBUG_ID_REGISTRY);
    const changed = injected ? injectDebugId(script, map, debugId) : { script, map };
    const text = injected ? JSON.stringify(changed.map) : sourceMap.text;
    if (injected) writePair(scriptPath, sourceMap, changed.script, text);
    pairs.push({ file, debugId, map: text, injected });
  }
  return pairs;
}
