import type { LogLine } from '../contract/logs.ts';
import { DevpilotError } from './errors.ts';
import { type CallOptions, pause, type Transport } from './transport.ts';

export interface LogOptions {
  /** Skips this number of lines. */
  readonly from?: number | undefined;
  /** Waits for further lines. The stream ends when the deployment, the run or the log command of the app ends. */
  readonly follow?: boolean | undefined;
  /** With `follow`, also returns incomplete lines, which have `partial: true`. */
  readonly partial?: boolean | undefined;
  /** Returns only lines that contain this text, ignoring case. Cannot be combined with `follow`. */
  readonly q?: string | undefined;
}

/** Maximum number of consecutive attempts without a new line. */
const MAX_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 1000;

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

/** Returns the error of a request unchanged, and wraps the error of a stream that was interrupted or is not NDJSON. */
function toDevpilotError(error: unknown): DevpilotError {
  if (error instanceof DevpilotError) return error;
  if (error instanceof SyntaxError)
    return new DevpilotError('unexpected_answer', 'The response did not come from Devpilot.', { status: 200 });
  return new DevpilotError('unreachable', 'The connection to the server was lost.', { status: 0, cause: error });
}

/**
 * Streams the lines of a log. After a lost connection it continues with the next line, so that each complete line is
 * returned exactly once; a search (`q`) fails instead. Throws `DevpilotError`, or the reason of the caller's signal.
 */
export async function* streamLog(
  transport: Transport,
  path: string,
  { from = 0, follow = false, partial = false, q }: LogOptions = {},
  call: CallOptions = {},
): AsyncGenerator<LogLine, void, undefined> {
  let linesRead = from;
  for (let failures = 0; ; ) {
    try {
      const query = { from: linesRead, follow: follow || undefined, partial: partial || undefined, q };
      const bytes = await transport.stream(path, { ...call, query, accept: 'application/x-ndjson' });
      for await (const line of parseNdjson<LogLine>(bytes)) {
        if (line.partial !== true) linesRead++;
        failures = 0;
        yield line;
      }
      return;
    } catch (error) {
      call.signal?.throwIfAborted();
      // The server would refuse another attempt too.
      if (error instanceof DevpilotError && error.status !== 0 && error.status < 500) throw error;
      failures++;
      // A search cannot be resumed, because its matches do not contain their positions in the log.
      if (q !== undefined || failures >= MAX_ATTEMPTS) throw toDevpilotError(error);
      await pause(FIRST_PAUSE_MS * 2 ** (failures - 1) * (0.5 + Math.random()), call.signal);
    }
  }
}
