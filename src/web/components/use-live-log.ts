import { useEffect, useRef, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import type { CallOptions, LogOptions } from '../../sdk/client.ts';

export type ReadLog = (query: LogOptions, options: CallOptions) => AsyncIterable<LogLine>;

/** Number of lines that are kept when older ones are removed. The search finds only lines in memory. */
const KEPT_LINES = 100_000;
/** Lines are removed only when more than this many are in memory, because each removal moves all other lines. */
const REMOVAL_THRESHOLD = 110_000;

export interface LiveLogState {
  /** The last lines. The array is mutated while the log is followed, so use `lineCount` to detect changes. */
  readonly lines: readonly LogLine[];
  /** Output that has no line break yet; at most one line per step, server and stream. */
  readonly partialLines: readonly LogLine[];
  /** Number of lines read, including those that are no longer in memory. */
  readonly lineCount: number;
  readonly hasEnded: boolean;
  readonly error: unknown;
}
const EMPTY_LOG: LiveLogState = { lines: [], partialLines: [], lineCount: 0, hasEnded: false, error: null };

const isSameOutput = (first: LogLine, second: LogLine): boolean =>
  first.step === second.step && first.serverId === second.serverId && first.stream === second.stream;

/** Returns the partial lines after a line has arrived: it replaces or completes the partial line of the same output. */
function withLine(partialLines: readonly LogLine[], line: LogLine): readonly LogLine[] {
  const otherLines = partialLines.filter((other) => !isSameOutput(other, line));
  if (line.partial === true) return [...otherLines, line];
  return otherLines.length === partialLines.length ? partialLines : otherLines;
}

/** Follows a log while the component is mounted. Renders at most once per frame. */
export function useLiveLog(id: string, read: ReadLog): LiveLogState {
  const [state, setState] = useState(EMPTY_LOG);
  const reader = useRef(read);
  reader.current = read;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another log must be read from the start
  useEffect(() => {
    const abortController = new AbortController();
    const lines: LogLine[] = [];
    let partialLines: readonly LogLine[] = [];
    let lineCount = 0;
    let frame = 0;
    function render() {
      frame = 0;
      setState((previous) => ({ ...previous, lines, partialLines, lineCount }));
    }
    function add(line: LogLine) {
      partialLines = withLine(partialLines, line);
      if (line.partial === true) return;
      lines.push(line);
      lineCount += 1;
      if (lines.length > REMOVAL_THRESHOLD) lines.splice(0, lines.length - KEPT_LINES);
    }
    function end(error: unknown) {
      if (abortController.signal.aborted) return;
      setState({ lines, partialLines: [], lineCount, hasEnded: true, error });
    }
    async function follow() {
      try {
        const query = { follow: true, partial: true };
        for await (const line of reader.current(query, { signal: abortController.signal })) {
          add(line);
          frame ||= requestAnimationFrame(render);
        }
        end(null);
      } catch (error) {
        end(error);
      }
    }
    setState(EMPTY_LOG);
    void follow();
    return () => {
      abortController.abort();
      cancelAnimationFrame(frame);
    };
  }, [id]);
  return state;
}
