import { asArray, asObject, type JsonObject } from '../../json-values.ts';

/** A position in a minified file. In stack frames, line and column start at 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The position in the source that a position in a minified file maps to. */
export interface OriginalPosition {
  readonly file: string;
  /** Starts at 1. */
  readonly line: number;
  /** Starts at 1. */
  readonly column: number;
  /** The name at this position in the source. */
  readonly name: string | null;
  /** Whether the bundler marks the file as third-party code. */
  readonly isIgnored: boolean;
  /** The source around the line. */
  readonly context: { readonly firstLine: number; readonly lines: string[] } | null;
}

interface Segment {
  readonly source: number;
  readonly line: number;
  readonly column: number;
  readonly name: number;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const DIGITS = new Int8Array(128).fill(-1);
for (let digit = 0; digit < BASE64.length; digit++) DIGITS[BASE64.charCodeAt(digit)] = digit;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
/** The shift of the seventh and last base64 digit of a number. A number with more digits is invalid. */
const MAX_SHIFT = 30;
const MAX_FIELDS = 5;

/**
 * Reads the segments of `mappings` (ECMA-426) in order. Calls `onLine` at the end of each line, and stops if it returns
 * false. Throws `SyntaxError` if the mappings are malformed.
 */
function scanMappings(
  mappings: string,
  onSegment: (line: number, column: number, segment: Segment | null) => void,
  onLine: (line: number) => boolean,
): void {
  /** Column, source, original line, original column and name of the last segment. */
  const state = [0, 0, 0, 0, 0];
  /** The differences between the current segment and `state`. */
  const fields = [0, 0, 0, 0, 0];
  let line = 0;
  let count = 0;
  let value = 0;
  let shift = 0;
  const endSegment = () => {
    if (shift !== 0) throw new SyntaxError('A mapping is not complete.');
    if (count === 0) return;
    // A segment has one, four or five fields; any others are ignored.
    let fieldCount = 1;
    if (count >= MAX_FIELDS) fieldCount = 5;
    else if (count >= 4) fieldCount = 4;
    for (let field = 0; field < fieldCount; field++) state[field] = (state[field] ?? 0) + (fields[field] ?? 0);
    const [column = 0, source = 0, originalLine = 0, originalColumn = 0, name = 0] = state;
    const segment =
      fieldCount === 1
        ? null
        : { source, line: originalLine, column: originalColumn, name: fieldCount === 5 ? name : -1 };
    onSegment(line, column, segment);
    count = 0;
  };
  for (let offset = 0; offset < mappings.length; offset++) {
    const code = mappings.charCodeAt(offset);
    if (code === COMMA) endSegment();
    else if (code === SEMICOLON) {
      endSegment();
      if (!onLine(line)) return;
      line++;
      state[0] = 0;
    } else {
      const digit = code < 128 ? (DIGITS[code] ?? -1) : -1;
      if (digit === -1 || shift > MAX_SHIFT || count === MAX_FIELDS)
        throw new SyntaxError('The mappings are not base64 VLQ.');
      value += (digit & 31) * 2 ** shift;
      if (digit & 32) {
        shift += 5;
        continue;
      }
      fields[count++] = value % 2 === 1 ? -Math.floor(value / 2) : value / 2;
      value = 0;
      shift = 0;
    }
  }
  endSegment();
  onLine(line);
}

/** Returns the segments of zero-based positions by `line:column` of the position, in one pass. */
function findSegments(mappings: string, positions: readonly Position[]): Map<string, Segment | null> {
  const columnsByLine = new Map<number, number[]>();
  for (const { line, column } of positions) {
    const columns = columnsByLine.get(line);
    if (columns === undefined) columnsByLine.set(line, [column]);
    else columns.push(column);
  }
  for (const columns of columnsByLine.values()) columns.sort((first, second) => first - second);
  const segments = new Map<string, Segment | null>();
  let remainingLines = columnsByLine.size;
  let previous: Segment | null = null;
  let nextIndex = 0;
  scanMappings(
    mappings,
    (line, column, segment) => {
      const columns = columnsByLine.get(line);
      if (columns === undefined) return;
      for (; nextIndex < columns.length && (columns[nextIndex] ?? 0) < column; nextIndex++)
        segments.set(`${line}:${columns[nextIndex]}`, previous);
      previous = segment;
    },
    (line) => {
      const columns = columnsByLine.get(line);
      for (; nextIndex < (columns?.length ?? 0); nextIndex++) segments.set(`${line}:${columns?.[nextIndex]}`, previous);
      if (columns !== undefined) remainingLines--;
      previous = null;
      nextIndex = 0;
      return remainingLines > 0;
    },
  );
  return segments;
}

const CONTEXT_LINES = 4;
const MAX_LINE_LENGTH = 255;
const MAX_NAME_LENGTH = 255;
const MAX_FILE_LENGTH = 500;
/** Returns a text as it can be stored: without NUL and lone surrogates, truncated to `max` characters. */
const toStorableText = (value: unknown, max: number) =>
  typeof value === 'string' ? value.replaceAll('\0', '').slice(0, max).toWellFormed() : '';

/** Returns a source's path without the bundler's scheme and leading `./` and `../`. Pure. */
function sourcePath(root: unknown, source: unknown): string {
  const folder = typeof root === 'string' && root !== '' ? root.replace(/\/?$/, '/') : '';
  const path = /^[a-z][a-z+.-]*:|^\//i.test(String(source)) ? String(source) : `${folder}${String(source)}`;
  return toStorableText(
    path.replace(/^(?:webpack|turbopack|rollup|ng):\/\/[^/]*\//, '').replace(/^(?:\.{1,2}\/)+/, ''),
    MAX_FILE_LENGTH,
  );
}

function contextOf(lines: readonly string[], line: number): OriginalPosition['context'] {
  if (line >= lines.length) return null;
  const first = Math.max(0, line - CONTEXT_LINES);
  return {
    firstLine: first + 1,
    lines: lines.slice(first, line + CONTEXT_LINES + 1).map((text) => toStorableText(text.trimEnd(), MAX_LINE_LENGTH)),
  };
}

/** Resolves zero-based positions in a map without sections. */
function resolveInMap(map: JsonObject, positions: readonly Position[]): (OriginalPosition | null)[] {
  const sources = asArray(map['sources']);
  const contents = asArray(map['sourcesContent']);
  const names = asArray(map['names']);
  const ignored = new Set(asArray(map['ignoreList'] ?? map['x_google_ignoreList']));
  const linesBySource = new Map<number, readonly string[]>();
  const linesOf = (source: number): readonly string[] => {
    const content = contents[source];
    const lines = linesBySource.get(source) ?? (typeof content === 'string' ? content.split('\n') : []);
    linesBySource.set(source, lines);
    return lines;
  };
  const segments = typeof map['mappings'] === 'string' ? findSegments(map['mappings'], positions) : new Map();
  return positions.map(({ line, column }) => {
    const segment = (segments.get(`${line}:${column}`) ?? null) as Segment | null;
    if (segment === null || typeof sources[segment.source] !== 'string' || segment.line < 0) return null;
    return {
      file: sourcePath(map['sourceRoot'], sources[segment.source]),
      line: segment.line + 1,
      column: Math.max(0, segment.column) + 1,
      name: toStorableText(names[segment.name], MAX_NAME_LENGTH) || null,
      isIgnored: ignored.has(segment.source),
      context: contextOf(linesOf(segment.source), segment.line),
    };
  });
}

interface Section extends Position {
  readonly map: JsonObject;
}

function sectionsOf(map: JsonObject): Section[] | null {
  if (!Array.isArray(map['sections'])) return null;
  return map['sections'].map((value: unknown) => {
    const { offset, map: sectionMap } = asObject(value);
    const { line, column } = asObject(offset);
    return { line: Number(line) || 0, column: Number(column) || 0, map: asObject(sectionMap) };
  });
}

const MAX_SECTIONS = 10_000;
const isAtOrBefore = (first: Position, second: Position) =>
  first.line < second.line || (first.line === second.line && first.column <= second.column);

/**
 * Returns the original positions of positions in a minified file; null for each that the map does not contain. `map` is
 * a parsed source map (ECMA-426), with or without sections. Throws `SyntaxError` for malformed mappings. Each mapping
 * is read at most once. Pure.
 */
export function resolvePositions(map: unknown, positions: readonly Position[]): (OriginalPosition | null)[] {
  const zeroBased = positions.map(({ line, column }) => ({ line: line - 1, column: column - 1 }));
  const sections = sectionsOf(asObject(map));
  if (sections === null) return resolveInMap(asObject(map), zeroBased);
  const results = positions.map((): OriginalPosition | null => null);
  for (const [index, section] of sections.entries()) {
    const following = sections[index + 1];
    const inSection = [...zeroBased.entries()].filter(
      ([, position]) =>
        isAtOrBefore(section, position) && (following === undefined || !isAtOrBefore(following, position)),
    );
    if (inSection.length === 0) continue;
    const positionsInSection = inSection.map(([, { line, column }]) => ({
      line: line - section.line,
      column: line === section.line ? column - section.column : column,
    }));
    for (const [order, result] of resolveInMap(section.map, positionsInSection).entries())
      results[inSection[order]?.[0] ?? 0] = result;
  }
  return results;
}

/** Returns why a source map is invalid; null if it is valid. Reads all mappings. Pure. */
export function findSourceMapDefect(map: unknown): string | null {
  const { version, sections } = asObject(map);
  if (version !== 3) return 'must be a source map of version 3';
  if (asArray(sections).length > MAX_SECTIONS) return `must have at most ${MAX_SECTIONS} sections`;
  const maps =
    sections === undefined ? [asObject(map)] : asArray(sections).map((section) => asObject(asObject(section)['map']));
  for (const { mappings, sources } of maps) {
    if (typeof mappings !== 'string' || !Array.isArray(sources)) return 'must have mappings and sources';
    try {
      scanMappings(
        mappings,
        () => undefined,
        () => true,
      );
    } catch (error) {
      return error instanceof SyntaxError ? 'must have valid mappings' : 'must be a source map';
    }
  }
  return null;
}

/** Returns the debug ID that a source map contains, or undefined. Pure. */
export function debugIdIn(map: unknown): unknown {
  const { debugId, debug_id: debugIdOfOldTools } = asObject(map);
  return debugId ?? debugIdOfOldTools;
}
