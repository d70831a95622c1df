import { type RefObject, type UIEvent, useEffect, useRef, useState } from 'react';
import type { LiveLogState } from './use-live-log.ts';

/** Maximum number of lines in the document at a time. */
export const MAX_SHOWN_LINES = 2000;
/** Number of lines by which `showEarlier` and `showLater` move. */
const LINES_PER_MOVE = MAX_SHOWN_LINES / 2;
/** The log follows new output while it is scrolled to within this distance of its end. */
const END_TOLERANCE_PX = 24;

/** The part of a log that is shown. Lines are counted from 0, including the lines that are no longer in memory. */
export interface ShownLines {
  /** The element that contains the lines and scrolls. */
  readonly box: RefObject<HTMLDivElement | null>;
  readonly firstInMemory: number;
  /** Number of the first line shown. */
  readonly first: number;
  /** Number after the last line shown. */
  readonly end: number;
  /** Whether the box scrolls to the end when lines are added. */
  readonly followsEnd: boolean;
  setFollowsEnd(followsEnd: boolean): void;
  handleScroll(event: UIEvent<HTMLDivElement>): void;
  showEarlier(): void;
  showLater(): void;
  /** Shows a part of the log that contains the line, and stops following the end. */
  showLine(lineNumber: number): void;
}

/**
 * Shows the last lines until the user chooses another part of the log, and scrolls to the end of the log until the user
 * scrolls up.
 */
export function useShownLines({ lines, partialLines, lineCount }: LiveLogState): ShownLines {
  const box = useRef<HTMLDivElement>(null);
  const [followsEnd, setFollowsEnd] = useState(true);
  /** Number of the first line shown; null while the last lines are shown. */
  const [shownFrom, setShownFrom] = useState<number | null>(null);
  const firstInMemory = lineCount - lines.length;
  const first = Math.max(firstInMemory, shownFrom ?? lineCount - MAX_SHOWN_LINES);
  const end = Math.min(lineCount, first + MAX_SHOWN_LINES);

  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls to the end whenever lines are added
  useEffect(() => {
    const element = box.current;
    if (element !== null && followsEnd) element.scrollTop = element.scrollHeight;
  }, [lineCount, partialLines, followsEnd]);

  function showFrom(lineNumber: number): void {
    setFollowsEnd(false);
    setShownFrom(lineNumber + MAX_SHOWN_LINES >= lineCount ? null : Math.max(firstInMemory, lineNumber));
  }

  return {
    box,
    firstInMemory,
    first,
    end,
    followsEnd,
    setFollowsEnd(follows) {
      setFollowsEnd(follows);
      if (follows) setShownFrom(null);
    },
    handleScroll({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) {
      setFollowsEnd(shownFrom === null && scrollHeight - scrollTop - clientHeight < END_TOLERANCE_PX);
    },
    showEarlier: () => showFrom(first - LINES_PER_MOVE),
    showLater: () => showFrom(first + LINES_PER_MOVE),
    showLine(lineNumber) {
      if (lineNumber < first || lineNumber >= end) showFrom(lineNumber - LINES_PER_MOVE);
      else setFollowsEnd(false);
    },
  };
}
