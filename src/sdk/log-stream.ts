import type { LogLine } from '../contract/logs.ts';
import { DevpilotError } from './errors.ts';
import { type CallOptions, pause, type Transport } from './transport.ts';

export interface LogOptions {
  /** Skips this number of lines. */
  readonly from?: number | undefined;
  /** Waits for further lines. The stream ends when the deployment or run ends. */
  readonly follow?: boolean | undefined;
  /** With `follow`, also returns incomplete lines, which have `partial: true`. */
  readonly partial?: boolean | undefined;
  /** Returns only lines that contain this text, ignoring case. Cannot be combined with `follow`. */
  readonly q?: string | undefined;
}

/** Maximum consecutive attempts without a new line. */
const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 500;

/** Parses a stream of NDJSON. */
async function* parseNdjson<Item>(bytes: ReadableStream<Uint8Array>): AsyncGenerator<Item, void, undefined> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let incompleteLine = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (incompleteLine + decoder.decode(value, { stream: true })).split('\n');
      incompleteLine = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as Item;
    }
    if (incompleteLine !== '') yield JSON.parse(incompleteLine) as Item;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Streams the lines of a log. After a lost connection it continues with the next line, so that each line is returned
 * exactly once. Throws `DevpilotError`, or the reason of the caller's signal.
 */
export async function* streamLog(
  transport: Transport,
  path: string,
  { from = 0, follow = false, partial = false, q }: LogOptions = {},
  call: CallOptions = {},
): AsyncGenerator<LogLine, void, undefined> {
  let linesRead = from;
  for (let attempts = 0; ; ) {
    try {
      const query = { from: linesRead, follow: follow || undefined, partial: partial || undefined, q };
      const bytes = await transport.stream(path, { ...call, query, accept: 'application/x-ndjson' });
      for await (const line of parseNdjson<LogLine>(bytes)) {
        if (line.partial !== true) linesRead++;
        attempts = 0;
        yield line;
      }
      return;
    } catch (error) {
      call.signal?.throwIfAborted();
      // The server would refuse a retry again.
      if (error instanceof DevpilotError && error.status !== 0 && error.status < 500) throw error;
      // The position in the log is unknown for a search, so it cannot be resumed.
      if (q !== undefined || ++attempts >= MAX_ATTEMPTS) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** attempts * (0.5 + Math.random()), call.signal);
    }
  }
}
