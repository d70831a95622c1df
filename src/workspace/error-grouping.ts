import { createHash } from 'node:crypto';
import type { ErrorBreadcrumb, ErrorFrame } from '../contract/errors.ts';
import { type ErrorLevel, RESOURCE_LIMITS } from '../contract/words.ts';

/** A reported error, whoever sent it in which format. */
export interface ReportedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string | null;
  /** Where it happened first. */
  readonly frames: readonly ErrorFrame[];
  readonly breadcrumbs: readonly ErrorBreadcrumb[];
  readonly tags: Readonly<Record<string, string>>;
  readonly level: ErrorLevel;
  readonly release: string | null;
  readonly environment: string | null;
  readonly app: string | null;
  readonly fingerprint: readonly string[] | null;
  /** Epoch milliseconds. */
  readonly at: number;
}

const FOREIGN =
  /node_modules|site-packages|dist-packages|^node:|^internal\/|^native |<anonymous>|^\/usr\/lib|\[native code\]/;
const V8 = /^\s*at (?:(?:async )?([^()]{1,300}?) \()?([^()\s][^()]{0,500}?):(\d{1,9})(?::\d{1,9})?\)?$/;
const GECKO = /^([^@\s]{0,300})@(\S{1,500}?):(\d{1,9})(?::\d{1,9})?$/;
const PYTHON = /^\s*File "([^"]{1,500})", line (\d{1,9})(?:, in (.{1,300}))?$/;

function frameOf(line: string): ErrorFrame | null {
  const make = (name: string | undefined, file: string, at: string): ErrorFrame => ({
    function: name === undefined || name === '' ? null : name,
    file,
    line: Number(at),
    inApp: !FOREIGN.test(file),
  });
  const v8 = V8.exec(line);
  if (v8 !== null) return make(v8[1], v8[2] ?? '', v8[3] ?? '0');
  const python = PYTHON.exec(line);
  if (python !== null) return make(python[3], python[1] ?? '', python[2] ?? '0');
  const gecko = GECKO.exec(line);
  return gecko === null ? null : make(gecko[1], gecko[2] ?? '', gecko[3] ?? '0');
}

const LINE_MAX = 1_000;

/** The frames of a stack as V8, Firefox and Python print it, where it happened first. Pure. */
export function framesOf(stack: string): ErrorFrame[] {
  const lines = stack
    .split('\n', 500)
    .map((line) => line.trimEnd())
    .filter((line) => line.length <= LINE_MAX);
  const frames = lines.map(frameOf).filter((frame) => frame !== null);
  // Python prints the innermost call last.
  if (/^Traceback \(most recent call last\)/m.test(stack)) frames.reverse();
  return frames.slice(0, RESOURCE_LIMITS.errorFrames);
}

/** Text without what differs between two of the same: numbers, ids, addresses. Pure. */
export function stripped(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '#')
    .replace(/(?<![0-9a-z])(?=[a-z]{0,64}\d)[0-9a-z]{8,}/gi, '#')
    .replace(/\d+/g, '#');
}

function placeOf({ function: name, file }: ErrorFrame): string {
  const path = (file ?? '').replace(/^[a-z][a-z+.-]*:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  return `${stripped(name ?? '?')} ${stripped(path)}`;
}

const FRAMES_COMPARED = 20;

/** Type and in-app frames, or the message where there are none. */
function standardParts(error: ReportedError): string[] {
  const own = error.frames.filter(({ inApp }) => inApp);
  const frames = (own.length === 0 ? error.frames : own).slice(0, FRAMES_COMPARED).map(placeOf);
  const distinct = frames.filter((place, at) => place !== frames[at - 1]);
  return [error.type, ...(distinct.length === 0 ? [stripped(error.message.slice(0, 500))] : distinct)];
}

/** What errors of one issue have in common, as a hash. Pure. */
export function fingerprintOf(error: ReportedError): string {
  const standard = standardParts(error);
  const parts =
    error.fingerprint === null
      ? standard
      : error.fingerprint.flatMap((part) => (/^\{\{\s*default\s*\}\}$/.test(part) ? standard : [part]));
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

const TITLE_MAX = 255;

export function titleOf({ type, message }: ReportedError): string {
  const [line = ''] = message.split('\n', 1);
  const title = line.trim() === '' ? type : `${type}: ${line.trim()}`;
  return title.length <= TITLE_MAX ? title : `${title.slice(0, TITLE_MAX - 1).toWellFormed()}…`;
}
