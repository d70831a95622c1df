import { Transform, type Writable } from 'node:stream';
import {
  type ByteSink,
  createLineSplitter,
  createMarkerExtractor,
  OUTPUT_LIMITS,
  type OutputLimits,
} from './line-splitter.ts';
import type { Mask } from './mask.ts';
import { MARKER_PREFIX } from './step-script.ts';

/** An output line; `at` is when it arrived, in epoch milliseconds. */
export interface OutputLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr' | 'system';
  readonly text: string;
}

/** Delay before an unfinished line is shown. */
const UNFINISHED_LINE_DELAY_MS = 200;
/** Maximum number of characters that are kept of each stream's output before the ready marker: the last ones. */
const MAX_BANNER_CHARACTERS = 4096;

/** The two output streams of a step, without the markers that Devpilot's script writes to both. */
export interface StepOutput {
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** The stream through which standard output is piped to the step's `stdout`, if that is set. */
  readonly rawStdout: Transform;
  /** Returns whether all output that the step wrote before it ended was read from both streams. */
  isComplete(): boolean;
  /**
   * Returns the output before the step was ready: from the ssh client, from start-up files, or from an account that
   * runs no commands.
   */
  banner(): { readonly stdout: string; readonly stderr: string };
}

/**
 * Creates the reader of a step's output. Output before the ready marker is not part of the step's output (see
 * `banner`). `onMarker` receives the markers of standard error.
 */
export function createOutputReader(options: {
  readonly nonce: string;
  readonly mask: Mask;
  readonly limits?: OutputLimits | undefined;
  readonly onLine: (line: OutputLine) => void;
  /** Receives an unfinished line after a short delay, and again whenever it has changed. */
  readonly onUnfinishedLine?: ((line: OutputLine) => void) | undefined;
  readonly onMarker: (name: string, value: string) => void;
  readonly stdout?: Writable | undefined;
}): StepOutput {
  const { nonce, mask, limits = OUTPUT_LIMITS, onLine, onUnfinishedLine } = options;
  const budget = { remaining: limits.maxTotalCharacters };
  const emit = (stream: OutputLine['stream'], text: string) => onLine({ at: Date.now(), stream, text });
  const onFull = () =>
    emit('system', `Further output is not stored: the limit is ${limits.maxTotalCharacters} characters per step.`);
  const banner = { stdout: '', stderr: '' };
  const endedStreams = { stdout: false, stderr: false };

  /** Creates a reader of one stream that passes the output of the step itself to `sink`. */
  function createStreamReader(stream: 'stdout' | 'stderr', sink: Pick<ByteSink, 'write'>): ByteSink {
    let isReady = false;
    const handleMarker = (name: string, value: string) => {
      if (name === 'ready') isReady = true;
      if (name === 'ended') endedStreams[stream] = true;
      if (stream === 'stderr') options.onMarker(name, value);
    };
    return createMarkerExtractor(`${MARKER_PREFIX} ${nonce} `, handleMarker, (chunk) => {
      if (isReady) sink.write(chunk);
      else banner[stream] = (banner[stream] + Buffer.from(chunk).toString('latin1')).slice(-MAX_BANNER_CHARACTERS);
    });
  }
  function createStreamLineReader(stream: 'stdout' | 'stderr'): ByteSink {
    const splitter = createLineSplitter({ mask, limits, budget, onLine: (text) => emit(stream, text), onFull });
    const reader = createStreamReader(stream, splitter);
    let timer: NodeJS.Timeout | undefined;
    let shown: string | null = null;
    const show = () => {
      timer = undefined;
      const text = splitter.unfinishedLine();
      if (text !== null && text !== '' && text !== shown) onUnfinishedLine?.({ at: Date.now(), stream, text });
      shown = text;
    };
    return {
      write(chunk) {
        reader.write(chunk);
        if (onUnfinishedLine !== undefined) timer ??= setTimeout(show, UNFINISHED_LINE_DELAY_MS);
      },
      flush() {
        clearTimeout(timer);
        reader.flush();
        splitter.flush();
      },
    };
  }
  const rawReader = createStreamReader('stdout', { write: (chunk) => rawStdout.push(chunk) });
  const rawStdout: Transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rawReader.write(chunk);
      done();
    },
    flush(done) {
      rawReader.flush();
      done();
    },
  });
  return {
    stdout: createStreamLineReader('stdout'),
    stderr: createStreamLineReader('stderr'),
    rawStdout,
    isComplete: () => endedStreams.stdout && endedStreams.stderr,
    banner: () => banner,
  };
}
