import { Transform, type Writable } from 'node:stream';
import { MARK } from './entry.ts';
import { createLines, createMarks, type Lines, OUTPUT_LIMITS, type OutputLimits } from './lines.ts';
import type { Mask } from './mask.ts';

/** A line as it came; `at` in epoch milliseconds. */
export interface OutputLine {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr' | 'system';
  readonly text: string;
}

/** Characters kept of what a server prints before a step starts. */
const GREETING_MAX = 4096;

/** The two output streams of a step, without the marks that Devpilot's own shell writes into both. */
export interface StepOutput {
  readonly stdout: Lines;
  readonly stderr: Lines;
  /** Where standard output is taken as bytes: the stream to pipe it through, to the step's own `stdout`. */
  readonly bytes: Transform;
  /** Whether everything that the step wrote before it ended has been read from both streams. */
  isComplete(): boolean;
  /** What came before the step was ready: the words of the ssh client, of start-up files, of a login that runs nothing. */
  greeting(): { readonly stdout: string; readonly stderr: string };
}

/**
 * Reads what a step prints. Standard output counts from the ready mark on: what start-up files of the
 * server's shell print before it is not the step's. `onMark` receives the marks of standard error.
 */
export function readOutput(options: {
  readonly nonce: string;
  readonly mask: Mask;
  readonly limits?: OutputLimits | undefined;
  readonly onLine: (line: OutputLine) => void;
  readonly onMark: (word: string, value: string) => void;
  readonly stdout?: Writable | undefined;
}): StepOutput {
  const { nonce, mask, limits = OUTPUT_LIMITS, onLine } = options;
  const budget = { left: limits.whole };
  const tell = (stream: OutputLine['stream'], text: string) => onLine({ at: Date.now(), stream, text });
  const onFull = () => tell('system', `What follows is not kept: a step may say ${limits.whole} characters.`);
  const greeting = { stdout: '', stderr: '' };
  const ended = { stdout: false, stderr: false };

  function readStream(name: 'stdout' | 'stderr', lines: Pick<Lines, 'write'>): Lines {
    let ready = false;
    const onMark = (word: string, value: string) => {
      if (word === 'ready') ready = true;
      if (word === 'ended') ended[name] = true;
      if (name === 'stderr') options.onMark(word, value);
    };
    return createMarks(`${MARK} ${nonce} `, onMark, (chunk) => {
      if (ready) lines.write(chunk);
      else greeting[name] = (greeting[name] + Buffer.from(chunk).toString('latin1')).slice(-GREETING_MAX);
    });
  }
  function inLines(name: 'stdout' | 'stderr'): Lines {
    const lines = createLines({ mask, limits, budget, onLine: (text) => tell(name, text), onFull });
    const marks = readStream(name, lines);
    return {
      write: marks.write,
      flush() {
        marks.flush();
        lines.flush();
      },
    };
  }
  const raw = readStream('stdout', { write: (chunk) => bytes.push(chunk) });
  const bytes: Transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      raw.write(chunk);
      done();
    },
    flush(done) {
      raw.flush();
      done();
    },
  });
  return {
    stdout: inLines('stdout'),
    stderr: inLines('stderr'),
    bytes,
    isComplete: () => ended.stdout && ended.stderr,
    greeting: () => greeting,
  };
}
