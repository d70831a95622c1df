import { useEffect, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import { toPlainText } from './terminal-text.ts';
import type { LiveLogState } from './use-live-log.ts';

/** Maximum number of lines searched in one task, so that the page stays responsive. */
const MAX_LINES_PER_TASK = 5000;
/** A search lists at most this many lines. */
export const MAX_MATCHES = 10_000;

interface SearchProgress {
  readonly text: string;
  /** Numbers of the lines that contain the text, in order. */
  readonly matches: readonly number[];
  /** Number of the first line that has not been searched. */
  readonly nextLine: number;
}

/** Searches up to `MAX_LINES_PER_TASK` more lines. `firstLine` is the number of the first element of `lines`. */
export function searchNextLines(
  progress: SearchProgress,
  lines: readonly LogLine[],
  firstLine: number,
): SearchProgress {
  const needle = progress.text.toLowerCase();
  const start = Math.max(progress.nextLine, firstLine);
  const end = Math.min(firstLine + lines.length, start + MAX_LINES_PER_TASK);
  const matches: number[] = [];
  for (let number = start; number < end; number++) {
    const text = lines[number - firstLine]?.text ?? '';
    if (toPlainText(text).toLowerCase().includes(needle)) matches.push(number);
  }
  return { text: progress.text, matches: [...progress.matches, ...matches].slice(0, MAX_MATCHES), nextLine: end };
}

/**
 * Returns the numbers of the lines that contain a text, ignoring case; empty for an empty text. A line is searched only
 * while it is in memory, but stays in the result when it is removed.
 */
export function useLogSearch(text: string, { lines, lineCount }: LiveLogState): readonly number[] {
  const [progress, setProgress] = useState<SearchProgress>({ text: '', matches: [], nextLine: 0 });
  const current = progress.text === text ? progress : { text, matches: [], nextLine: 0 };
  useEffect(() => {
    if (text === '' || current.nextLine >= lineCount) return;
    const timer = setTimeout(() => setProgress(searchNextLines(current, lines, lineCount - lines.length)), 0);
    return () => clearTimeout(timer);
  }, [text, lines, lineCount, current]);
  return text === '' ? [] : current.matches;
}
