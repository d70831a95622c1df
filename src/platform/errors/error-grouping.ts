import { createHash } from 'node:crypto';
import type { ErrorBreadcrumb } from '../../contract/errors.ts';
import type { ErrorLevel } from '../../contract/platform-vocabulary.ts';
import type { ReportedFrame } from './stack-frames.ts';

/** An error, converted from the format in which it was reported. */
export interface ReportedError {
  readonly type: string;
  readonly message: string;
  /** The log message with its placeholders, which similar errors share. */
  readonly messageTemplate?: string | null;
  readonly stack: string | null;
  /** Stack frames, innermost first. */
  readonly frames: readonly ReportedFrame[];
  readonly breadcrumbs: readonly ErrorBreadcrumb[];
  readonly tags: Readonly<Record<string, string>>;
  readonly level: ErrorLevel;
  readonly release: string | null;
  readonly environment: string | null;
  readonly app: string | null;
  readonly fingerprint: readonly string[] | null;
  /** When the error occurred, in epoch milliseconds. */
  readonly at: number;
}

/** Replaces numbers, IDs and memory addresses, which vary between similar errors, with `#`. Pure. */
export function normalizeText(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '#')
    .replace(/(?<![0-9a-z])(?=[a-z]{0,64}\d)[0-9a-z]{8,}/gi, '#')
    .replace(/\d+/g, '#');
}

/** The part of a generated class name that differs between runs. */
const GENERATED_CLASS =
  /(?:\$\$|_\$\$_)(?:Lambda|EnhancerBy|FastClassBy|SpringCGLIB|KeyFactoryBy|jvst|javassist)[^ ]*|\$(?:ByteBuddy|HibernateProxy|MockitoMock)\$[^ ]*/g;
const GENERATED_ACCESSOR = /(Generated(?:Method|Constructor|SerializationConstructor)Accessor)\d+/g;
/** Suffixes that compilers append to native symbols: hashes (Rust), function clones and symbol versions. */
const SYMBOL_SUFFIX =
  /::h[0-9a-f]{16}$|(?: \[clone [^\]]{1,64}\]|\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\d+)?)+$|@@?[A-Z]+_[\d.]+$|@plt$/;
const CALL_PREFIX = /^(?:async |new )?(?:(?:Object|Function|Module|Proxy|global|globalThis)\.(?=.))?/;

/** Removes the arguments and template arguments of a C++ or Rust symbol, in linear time. Pure. */
function stripArguments(symbol: string): string {
  let depth = 0;
  let text = '';
  for (const character of symbol) {
    if (character === '<' || character === '(') depth++;
    else if ((character === '>' || character === ')') && depth > 0) depth--;
    else if (depth === 0) text += character;
  }
  return text.replace(/ const$/, '');
}

/** Returns the name of a function without the parts that vary between builds or runs. Pure. */
function normalizeFunction(name: string): string {
  const symbol = name
    .replace(CALL_PREFIX, '')
    .replace(/ \[as [^\]]{1,200}\]$/, '')
    .replace(SYMBOL_SUFFIX, '');
  const isNative = symbol.includes('::') && !symbol.startsWith('<');
  return normalizeText(isNative ? stripArguments(symbol) : symbol);
}

/** A hash of the content that bundlers add to a file name, between dots or hyphens. */
const CONTENT_HASH = /(?<=[.-])(?=\w{0,19}(?:\d|[a-z][A-Z]))\w{6,20}(?=\.(?:[\w.]{1,20}\.)?[mc]?jsx?$)/;

/** Returns a path without origin, query, content hash and numbers. Pure. */
function normalizePath(file: string): string {
  const path = file.replace(/^[a-z][a-z+.-]*:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  return normalizeText(path.replace(CONTENT_HASH, '#'));
}

/**
 * Columns from this one on occur only in minified files: minifiers put whole apps on a few lines. They also shorten
 * names, differently in each build.
 */
const MINIFIED_COLUMN = 500;
const isMinified = ({ function: name, file, column }: ReportedFrame): boolean =>
  (column ?? 0) >= MINIFIED_COLUMN && (name === null || name.length <= 2) && /\.[mc]?js(?:[?#]|$)/.test(file ?? '');

function normalizeModule(module: string): string {
  // `$$` in a replacement is one literal `$`.
  return normalizeText(module.replace(GENERATED_CLASS, '$$').replace(GENERATED_ACCESSOR, '$1'));
}

function frameLocation(frame: ReportedFrame): string {
  const { function: name, file, module } = frame;
  const functionName = name === null || isMinified(frame) ? '?' : normalizeFunction(name);
  // A class is more specific than its file. The module of a JavaScript frame is derived from its path.
  if (typeof module === 'string' && !/\.[mc]?[jt]sx?(?:[?#]|$)/.test(file ?? ''))
    return `${functionName} ${normalizeModule(module)}`;
  return `${functionName} ${normalizePath(file ?? '')}`;
}

const MAX_COMPARED_FRAMES = 20;

/** Returns the type and in-app frames, or the message if there are no frames that identify the error. */
function defaultFingerprintParts(error: ReportedError): string[] {
  const appFrames = error.frames.filter(({ inApp }) => inApp);
  const frames = (appFrames.length === 0 ? error.frames : appFrames).slice(0, MAX_COMPARED_FRAMES);
  const locations = frames.map(frameLocation);
  const distinct = locations.filter((location, index) => location !== locations[index - 1]);
  // All errors of a minified bundle without a source map may have the same frames.
  const needsMessage = frames.every((frame) => isMinified(frame));
  const message = normalizeText((error.messageTemplate ?? error.message).slice(0, 500));
  return [error.type, ...distinct, ...(needsMessage ? [message] : [])];
}

/**
 * Returns the hash that groups errors into one issue. Errors of different apps are never in the same issue, even if
 * they were sent with the same fingerprint. `appId` is the ID of the reported app; null if no app was reported or the
 * workspace has no such app. Pure.
 */
export function fingerprintOf(error: ReportedError, appId: string | null = null): string {
  const defaultParts = defaultFingerprintParts(error);
  const parts =
    error.fingerprint === null
      ? defaultParts
      : error.fingerprint.flatMap((part) => (/^\{\{\s*default\s*\}\}$/.test(part) ? defaultParts : [part]));
  return createHash('sha256')
    .update(JSON.stringify(withApp(parts, error.app, appId)))
    .digest('hex');
}

/** Adds the app to the parts of a fingerprint: its ID if it is known, otherwise the reported name. */
function withApp(parts: readonly string[], app: string | null, appId: string | null): unknown {
  if (appId !== null) return { appId, parts };
  return app === null ? parts : { app, parts };
}

const MAX_TITLE_LENGTH = 255;

/** Returns the title of an issue: the type and the first line of the message, truncated. Pure. */
export function titleOf({ type, message }: ReportedError): string {
  const [line = ''] = message.split('\n', 1);
  const title = line.trim() === '' ? type : `${type}: ${line.trim()}`;
  return title.length <= MAX_TITLE_LENGTH ? title : `${title.slice(0, MAX_TITLE_LENGTH - 1).toWellFormed()}…`;
}
