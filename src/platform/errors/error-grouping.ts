import { createHash } from 'node:crypto';
import type { ErrorBreadcrumb, ErrorFrame } from '../../contract/errors.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { ErrorLevel } from '../../contract/platform-vocabulary.ts';

/** A reported error in any format. */
export interface ReportedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string | null;
  /** Stack frames, innermost first. */
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

const THIRD_PARTY_PATH =
  /node_modules|site-packages|dist-packages|^node:|^internal\/|^native |<anonymous>|^\/usr\/lib|\[native code\]/;
const V8_FRAME = /^\s*at (?:(?:async )?([^()]{1,300}?) \()?([^()\s][^()]{0,500}?):(\d{1,9})(?::\d{1,9})?\)?$/;
const GECKO_FRAME = /^([^@\s]{0,300})@(\S{1,500}?):(\d{1,9})(?::\d{1,9})?$/;
const PYTHON_FRAME = /^\s*File "([^"]{1,500})", line (\d{1,9})(?:, in (.{1,300}))?$/;

function parseFrame(line: string): ErrorFrame | null {
  const createFrame = (name: string | undefined, file: string, lineNumber: string): ErrorFrame => ({
    function: name === undefined || name === '' ? null : name,
    file,
    line: Number(lineNumber),
    inApp: !THIRD_PARTY_PATH.test(file),
  });
  const v8 = V8_FRAME.exec(line);
  if (v8 !== null) return createFrame(v8[1], v8[2] ?? '', v8[3] ?? '0');
  const python = PYTHON_FRAME.exec(line);
  if (python !== null) return createFrame(python[3], python[1] ?? '', python[2] ?? '0');
  const gecko = GECKO_FRAME.exec(line);
  return gecko === null ? null : createFrame(gecko[1], gecko[2] ?? '', gecko[3] ?? '0');
}

const MAX_LINE_LENGTH = 1_000;

/** Parses the frames of a stack as V8, Firefox and Python print it, innermost first. Pure. */
export function parseStack(stack: string): ErrorFrame[] {
  const lines = stack
    .split('\n', 500)
    .map((line) => line.trimEnd())
    .filter((line) => line.length <= MAX_LINE_LENGTH);
  const frames = lines.map(parseFrame).filter((frame) => frame !== null);
  // Python prints the innermost call last.
  if (/^Traceback \(most recent call last\)/m.test(stack)) frames.reverse();
  return frames.slice(0, RESOURCE_LIMITS.errorFrames);
}

/** Removes what varies between equal errors: numbers, ids, addresses. Pure. */
export function normalizeText(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '#')
    .replace(/(?<![0-9a-z])(?=[a-z]{0,64}\d)[0-9a-z]{8,}/gi, '#')
    .replace(/\d+/g, '#');
}

function frameLocation({ function: name, file }: ErrorFrame): string {
  const path = (file ?? '').replace(/^[a-z][a-z+.-]*:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  return `${normalizeText(name ?? '?')} ${normalizeText(path)}`;
}

const MAX_COMPARED_FRAMES = 20;

/** Returns the type and in-app frames, or the message if there are no frames. */
function defaultFingerprintParts(error: ReportedError): string[] {
  const appFrames = error.frames.filter(({ inApp }) => inApp);
  const frames = (appFrames.length === 0 ? error.frames : appFrames).slice(0, MAX_COMPARED_FRAMES).map(frameLocation);
  const distinct = frames.filter((location, index) => location !== frames[index - 1]);
  return [error.type, ...(distinct.length === 0 ? [normalizeText(error.message.slice(0, 500))] : distinct)];
}

/**
 * Returns the hash that groups errors into one issue. Errors of different apps are never one issue, whatever
 * fingerprint they were sent with. `appId` is the ID of the app if the workspace has an app of the reported name. Pure.
 */
export function fingerprintOf(error: ReportedError, appId: string | null = null): string {
  const defaultParts = defaultFingerprintParts(error);
  const parts =
    error.fingerprint === null
      ? defaultParts
      : error.fingerprint.flatMap((part) => (/^\{\{\s*default\s*\}\}$/.test(part) ? defaultParts : [part]));
  const { app } = error;
  const grouped = appId !== null ? { appId, parts } : app !== null ? { app, parts } : parts;
  return createHash('sha256').update(JSON.stringify(grouped)).digest('hex');
}

const MAX_TITLE_LENGTH = 255;

export function titleOf({ type, message }: ReportedError): string {
  const [line = ''] = message.split('\n', 1);
  const title = line.trim() === '' ? type : `${type}: ${line.trim()}`;
  return title.length <= MAX_TITLE_LENGTH ? title : `${title.slice(0, MAX_TITLE_LENGTH - 1).toWellFormed()}…`;
}
