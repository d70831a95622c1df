import { RESOURCE_LIMITS } from '../../contract/limits.ts';

/** The source lines around the line of a frame. */
export interface SourceContext {
  /** The number of the first line. */
  readonly firstLine: number;
  readonly lines: string[];
}

/**
 * A stack frame as it is reported and stored. Frames that older versions of Devpilot stored lack the optional fields,
 * and so do frames whose format does not have them.
 */
export interface ReportedFrame {
  readonly function: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly column?: number | null;
  /** The module of a Python frame, or the class of a Java frame. */
  readonly module?: string | null;
  readonly inApp: boolean;
  readonly context?: SourceContext | null;
  /** The debug ID of the minified file, which identifies its source map. */
  readonly debugId?: string | null;
}

const THIRD_PARTY_PATH =
  /node_modules|site-packages|dist-packages|^node:|^internal\/|^native |<anonymous>|^\/usr\/lib|^\/lib(?:64)?\/|^\/System\/|^[A-Za-z]:\\Windows\\|\[native code\]/;
const PLATFORM_MODULE = /^(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|android|androidx|dalvik)\./;

/** Whether the path and module of a frame indicate code of the app. Used if the sender did not specify that. Pure. */
export const isAppFrame = (file: string | null, module: string | null = null): boolean =>
  !THIRD_PARTY_PATH.test(file ?? '') && !PLATFORM_MODULE.test(module ?? '');

const V8_FRAME = /^\s*at (?:(?:async )?([^()]{1,300}?) \()?([^()\s][^()]{0,500}?):(\d{1,9})(?::(\d{1,9}))?\)?$/;
const GECKO_FRAME = /^([^@\s]{0,300})@(\S{1,500}?):(\d{1,9})(?::(\d{1,9}))?$/;
const PYTHON_FRAME = /^\s*File "([^"]{1,500})", line (\d{1,9})(?:, in (.{1,300}))?$/;
const JAVA_FRAME = /^\s*at ([\w.$/@-]{1,300})\.([\w$<>]{1,200})\(([^():]{1,200})(?::(\d{1,9}))?\)$/;

function parseFrame(text: string): ReportedFrame | null {
  const createFrame = (name: string | undefined, file: string, line: string, column?: string): ReportedFrame => ({
    function: name === undefined || name === '' ? null : name,
    file,
    line: Number(line),
    column: column === undefined ? null : Number(column),
    inApp: isAppFrame(file),
  });
  const v8 = V8_FRAME.exec(text);
  if (v8 !== null && !/\.(?:java|kt|scala|groovy)$/.test(v8[2] ?? '')) {
    return createFrame(v8[1], v8[2] ?? '', v8[3] ?? '0', v8[4]);
  }
  const java = JAVA_FRAME.exec(text);
  if (java !== null) {
    const [, module = '', name = '', file = '', line] = java;
    return {
      ...createFrame(name, file, line ?? '0'),
      line: line === undefined ? null : Number(line),
      module,
      inApp: isAppFrame(file, module),
    };
  }
  const python = PYTHON_FRAME.exec(text);
  if (python !== null) return createFrame(python[3], python[1] ?? '', python[2] ?? '0');
  const gecko = GECKO_FRAME.exec(text);
  return gecko === null ? null : createFrame(gecko[1], gecko[2] ?? '', gecko[3] ?? '0', gecko[4]);
}

const MAX_LINE_LENGTH = 1_000;

/** Parses a stack in the format of V8, Firefox, Python or Java. Returns its frames, innermost first. Pure. */
export function parseStack(stack: string): ReportedFrame[] {
  const lines = stack
    .split('\n', 500)
    .map((line) => line.trimEnd())
    .filter((line) => line.length <= MAX_LINE_LENGTH);
  const frames = lines.map(parseFrame).filter((frame) => frame !== null);
  // Python prints the innermost call last.
  if (/^Traceback \(most recent call last\)/m.test(stack)) frames.reverse();
  return frames.slice(0, RESOURCE_LIMITS.errorFrames);
}
