import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { asArray, asObject, type JsonObject } from '../json-values.ts';
import { toInteger, toShortText, toText, valuesOf } from './sentry-values.ts';
import { isAppFrame, type ReportedFrame, type SourceContext } from './stack-frames.ts';

const DEBUG_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Returns a debug ID as a lower-case UUID with hyphens, which is how it is stored; null if it is invalid. Pure. */
export function normalizeDebugId(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 36) return null;
  const hex = value.toLowerCase();
  const id = /^[0-9a-f]{32}$/.test(hex) ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : hex;
  return DEBUG_ID.test(id) ? id : null;
}

const MAX_IMAGES = 1_000;
const MAX_THREADS = 1_000;

/** Returns the debug IDs of the minified files of an event, by URL or path. */
export function readDebugIds(event: JsonObject): ReadonlyMap<string, string> {
  const images = asArray(asObject(event['debug_meta'])['images']).slice(0, MAX_IMAGES).map(asObject);
  const ids = new Map<string, string>();
  for (const { type, code_file: file, debug_id: debugId } of images) {
    const id = normalizeDebugId(debugId);
    if (type === 'sourcemap' && typeof file === 'string' && id !== null) ids.set(file, id);
  }
  return ids;
}

/** Number of source lines stored before and after the line of a frame. */
const CONTEXT_LINES = 3;
/** Number of frames of the app, innermost first, for which source lines are stored. */
const MAX_FRAMES_WITH_CONTEXT = 5;
const toSourceLine = (value: unknown) => toText(value, RESOURCE_LIMITS.errorFieldLength) ?? '';

function readContext(
  { pre_context: before, context_line: line, post_context: after }: JsonObject,
  lineNumber: number,
): SourceContext | null {
  if (typeof line !== 'string') return null;
  const linesBefore = asArray(before).slice(-CONTEXT_LINES);
  const linesAfter = asArray(after).slice(0, CONTEXT_LINES);
  return {
    firstLine: Math.max(1, lineNumber - linesBefore.length),
    lines: [...linesBefore, line, ...linesAfter].map(toSourceLine),
  };
}

function parseFrame(frame: JsonObject, debugIds: ReadonlyMap<string, string>): ReportedFrame {
  const { function: name, raw_function: rawName, filename, abs_path: path, package: image, lineno, colno } = frame;
  const file = toText(filename ?? path ?? frame['module'] ?? image, 500);
  const module = toShortText(frame['module']);
  const debugId = [path, filename].map((value) => debugIds.get(value as string)).find((id) => id !== undefined) ?? null;
  return {
    function: toShortText(name ?? rawName),
    file,
    line: toInteger(lineno),
    column: toInteger(colno),
    module,
    inApp:
      typeof frame['in_app'] === 'boolean'
        ? frame['in_app']
        : isAppFrame(toText(path ?? filename ?? image, 500), module),
    ...(debugId !== null && { debugId }),
  };
}

/** Parses a `stacktrace`, whose frames are outermost first. Returns them innermost first. */
function parseFrames(stacktrace: unknown, debugIds: ReadonlyMap<string, string>): ReportedFrame[] {
  const reported = asArray(asObject(stacktrace)['frames']).filter(
    (frame) => typeof frame === 'object' && frame !== null,
  );
  let framesWithContext = 0;
  return reported
    .slice(-RESOURCE_LIMITS.errorFrames)
    .reverse()
    .map((value) => {
      const frame = parseFrame(asObject(value), debugIds);
      if (!frame.inApp || frame.line === null || framesWithContext >= MAX_FRAMES_WITH_CONTEXT) return frame;
      const context = readContext(asObject(value), frame.line);
      if (context !== null) framesWithContext++;
      return context === null ? frame : { ...frame, context };
    });
}

/**
 * Returns the thread of the exception if there is one, and otherwise the crashed, current or only thread; an empty
 * object if there is none.
 */
function findThread(event: JsonObject, threadId: unknown): JsonObject {
  const threads = valuesOf(event['threads']).slice(0, MAX_THREADS).map(asObject);
  return (
    (threadId === undefined || threadId === null ? undefined : threads.find(({ id }) => id === threadId)) ??
    threads.find(({ crashed }) => crashed === true) ??
    threads.find(({ current }) => current === true) ??
    (threads.length === 1 ? threads[0] : undefined) ??
    {}
  );
}

/**
 * Returns the frames of an event, innermost first: the frames of the exception, of the event itself, or of the thread
 * that `findThread` returns.
 */
export function readFrames(event: JsonObject, exception: JsonObject): ReportedFrame[] {
  const debugIds = readDebugIds(event);
  const thread = findThread(event, exception['thread_id']);
  for (const stacktrace of [
    exception['stacktrace'],
    exception['raw_stacktrace'],
    event['stacktrace'] ?? event['sentry.interfaces.Stacktrace'],
    thread['stacktrace'],
    thread['raw_stacktrace'],
  ]) {
    const frames = parseFrames(stacktrace, debugIds);
    if (frames.length > 0) return frames;
  }
  return [];
}
