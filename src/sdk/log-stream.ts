import type { LogLine } from '../contract/logs.ts';
import { DevpilotError } from './errors.ts';
import { type CallOptions, pause, type Transport } from './transport.ts';

export interface LogOptions {
  /** Lines to pass over. */
  readonly from?: number | undefined;
  /** Whether to go on while more is said; it ends with the work. */
  readonly follow?: boolean | undefined;
}

/** Tries in a row that brought nothing, before it is given up. */
const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 500;

/** Cuts a stream of NDJSON into what its lines say. */
async function* parseNdjson<One>(bytes: ReadableStream<Uint8Array>): AsyncGenerator<One, void, undefined> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as One;
    }
    if (rest !== '') yield JSON.parse(rest) as One;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * The lines of a log as they come. A reader that lost its connection goes on where it was, so each line comes
 * once. Throws `DevpilotError`, and the reason of the caller's signal.
 */
export async function* streamLog(
  transport: Transport,
  path: string,
  { from = 0, follow = false }: LogOptions = {},
  call: CallOptions = {},
): AsyncGenerator<LogLine, void, undefined> {
  let linesRead = from;
  for (let attempts = 0; ; ) {
    try {
      const query = { from: linesRead, follow: follow || undefined };
      const bytes = await transport.stream(path, { ...call, query, accept: 'application/x-ndjson' });
      for await (const line of parseNdjson<LogLine>(bytes)) {
        linesRead++;
        attempts = 0;
        yield line;
      }
      return;
    } catch (error) {
      call.signal?.throwIfAborted();
      // What the server refuses, it refuses again.
      if (error instanceof DevpilotError && error.status !== 0 && error.status < 500) throw error;
      if (++attempts >= MAX_ATTEMPTS) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** attempts * (0.5 + Math.random()), call.signal);
    }
  }
}
