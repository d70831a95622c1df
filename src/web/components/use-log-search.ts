import { useEffect, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import { toPlainText } from './terminal-text.ts';
import type { LiveLogState } from './use-live-log.ts';

/** Maximum number of lines searched in one task, so that the page stays responsive. */
const LINES_PER_TURN = 5000;
export const MAX_HITS = 10_000;

interface SearchProgress {
  readonly text: string;
  /** Numbers of the lines that contain the text, in order. */
  readonly hits: readonly number[];
  /** Number of the first line that has not been searched. */
  readonly next: number;
}

/** Continues a search in `lines`, whose first line has the number `first`. Searches at most `LINES_PER_TURN` lines. */
export function searchSome(progress: SearchProgress, lines: readonly LogLine[], first: number): SearchProgress {
  const needle = progress.text.toLowerCase();
  const start = Math.max(progress.next, first);
  const end = Math.min(first + lines.length, start + LINES_PER_TURN);
  const hits: number[] = [];
  for (let number = start; number < end; number++) {
    const text = lines[number - first]?.text ?? '';
    if (toPlainText(text).toLowerCase().includes(needle)) hits.push(number);
  }
  return { text: progress.text, hits: [...progress.hits, ...hits].slice(0, MAX_HITS), next: end };
}

/** Returns the numbers of the lines in memory that contain a text, ignoring case; empty for an empty text. */
export function useLogSearch(text: string, { lines, count }: LiveLogState): readonly number[] {
  const [progress, setProgress] = useState<SearchProgress>({ text: '', hits: [], next: 0 });
  const current = progress.text === text ? progress : { text, hits: [], next: 0 };
  useEffect(() => {
    if (text === '' || current.next >= count) return;
    const timer = setTimeout(() => setProgress(searchSome(current, lines, count - lines.length)), 0);
    return () => clearTimeout(timer);
  }, [text, lines, count, current]);
  return text === '' ? [] : current.hits;
}
