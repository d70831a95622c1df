import { useEffect, useRef, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import type { CallOptions, LogOptions } from '../../sdk/client.ts';

export type ReadLog = (query: LogOptions, options: CallOptions) => AsyncIterable<LogLine>;

/** Maximum number of lines on the page. The downloaded file contains all of them. */
export const MAX_SHOWN_LINES = 2000;

export interface LiveLogState {
  readonly lines: readonly LogLine[];
  /** Number of lines read, including those that are no longer shown. */
  readonly count: number;
  readonly ended: boolean;
  readonly error: unknown;
}
const EMPTY_LOG: LiveLogState = { lines: [], count: 0, ended: false, error: null };

/** Follows a log while it is on the page. Renders at most once per frame. */
export function useLiveLog(id: string, read: ReadLog): LiveLogState {
  const [state, setState] = useState(EMPTY_LOG);
  const reader = useRef(read);
  reader.current = read;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another log must be read from the start
  useEffect(() => {
    const abortController = new AbortController();
    let pendingLines: LogLine[] = [];
    let frame = 0;
    function draw() {
      frame = 0;
      const newLines = pendingLines;
      pendingLines = [];
      setState(({ lines, count, ...rest }) => ({
        ...rest,
        lines: [...lines, ...newLines].slice(-MAX_SHOWN_LINES),
        count: count + newLines.length,
      }));
    }
    async function follow() {
      try {
        for await (const line of reader.current({ follow: true }, { signal: abortController.signal })) {
          pendingLines.push(line);
          frame ||= requestAnimationFrame(draw);
        }
        if (!abortController.signal.aborted) setState((previous) => ({ ...previous, ended: true }));
      } catch (error) {
        if (!abortController.signal.aborted) setState((previous) => ({ ...previous, ended: true, error }));
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
