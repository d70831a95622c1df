import { Button, Group, Switch } from '@mantine/core';
import { memo, useEffect, useRef, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import { getErrorMessage } from '../api.ts';
import styles from './live-log.module.css';
import { LogDownload } from './log-download.tsx';
import { LogSearch } from './log-search.tsx';
import { Notice } from './notice.tsx';
import { Section } from './section.tsx';
import { strings } from './strings.ts';
import { TerminalLine } from './terminal-line.tsx';
import { DimmedText } from './text.tsx';
import { type LiveLogState, MAX_SHOWN_LINES, type ReadLog } from './use-live-log.ts';
import { useLogSearch } from './use-log-search.ts';

const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
/** Number of lines by which "Show earlier lines" and "Show later lines" move. */
const LINES_PER_CLICK = MAX_SHOWN_LINES / 2;
/** The log follows new output while it is scrolled to within this distance of its end. */
const END_TOLERANCE_PX = 24;

interface LogLineRowProps {
  readonly line: LogLine;
  readonly heading: string | null;
  /** `match` if the line matches the search, `selected` if it is also the selected match. */
  readonly match?: 'match' | 'selected' | undefined;
}

export const LogLineRow = memo(function LogLineRow({ line, heading, match }: LogLineRowProps) {
  const { at: time, stream, text } = line;
  return (
    <>
      {heading !== null && <div className={styles['step']}>{heading}</div>}
      <div className={styles['logLine']} data-stream={stream} data-match={match}>
        <time dateTime={time}>{timeFormat.format(new Date(time))}</time>
        <span>
          <TerminalLine text={text} />
        </span>
      </div>
    </>
  );
});

interface LiveLogProps {
  readonly id: string;
  readonly title?: string;
  readonly log: LiveLogState;
  /** Reads the log again, for the downloaded file. */
  readonly read: ReadLog;
  /** Returns the name of a line's server, or null; omitted if there is only one server. */
  readonly serverName?: (id: string | null) => string | null;
  /** Shown while the log is empty. */
  readonly emptyText: string;
}

/**
 * Describes how many lines the log has and, if only a part of them is shown, which. `first` is the number of the first
 * line shown and `end` the number after the last line shown; lines are counted from 0.
 */
function describeShownLines({ lineCount, hasEnded }: LiveLogState, first: number, end: number, emptyText: string) {
  if (lineCount === 0) return hasEnded ? strings.liveLog.noOutput : emptyText;
  const total = strings.liveLog.lineCount(lineCount, !hasEnded);
  const isPart = first > 0 || end < lineCount;
  return isPart ? strings.liveLog.shownLines(total, first + 1, end) : total;
}

/** Returns the step and the server of a line; null if the previous line has the same ones. */
function getHeading(
  line: LogLine,
  previous: LogLine | undefined,
  serverName: LiveLogProps['serverName'],
): string | null {
  if (previous?.step === line.step && previous.serverId === line.serverId) return null;
  const serverLabel = serverName?.(line.serverId) ?? null;
  return [line.step, serverLabel].filter((part) => part !== null).join(' · ') || null;
}

/** The live output of a job. */
export function LiveLog({ id, title = strings.liveLog.title, log, read, serverName, emptyText }: LiveLogProps) {
  const { lines, partialLines, lineCount, hasEnded, error } = log;
  const box = useRef<HTMLDivElement>(null);
  const [followsEnd, setFollowsEnd] = useState(true);
  // Lines are counted from 0, including the lines that are no longer in memory.
  /** Number of the first line shown; null while the last lines are shown. */
  const [shownFrom, setShownFrom] = useState<number | null>(null);
  const [searchText, setSearchText] = useState('');
  /** Index of the selected match in `matches`. */
  const [selected, setSelected] = useState<number | null>(null);
  /** Numbers of the lines that match the search. */
  const matches = useLogSearch(searchText, log);
  const firstInMemory = lineCount - lines.length;
  const first = Math.max(firstInMemory, shownFrom ?? lineCount - MAX_SHOWN_LINES);
  const end = Math.min(lineCount, first + MAX_SHOWN_LINES);
  const selectedLine = selected === null ? null : (matches[selected] ?? null);
  const matchSet = new Set(matches);

  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls to the end whenever lines are added
  useEffect(() => {
    const element = box.current;
    if (element !== null && followsEnd) element.scrollTop = element.scrollHeight;
  }, [lineCount, partialLines, followsEnd]);
  useEffect(() => {
    if (selectedLine !== null)
      box.current?.querySelector('[data-match="selected"]')?.scrollIntoView({ block: 'nearest' });
  }, [selectedLine]);

  function showFrom(from: number) {
    setFollowsEnd(false);
    setShownFrom(from + MAX_SHOWN_LINES >= lineCount ? null : Math.max(firstInMemory, from));
  }
  function select(index: number) {
    const lineNumber = matches[index];
    if (lineNumber === undefined) return;
    setSelected(index);
    if (lineNumber < first || lineNumber >= end) showFrom(lineNumber - LINES_PER_CLICK);
    else setFollowsEnd(false);
  }
  const getLine = (number: number): LogLine | undefined => lines[number - firstInMemory];
  return (
    <Section
      title={title}
      description={<span role="status">{describeShownLines(log, first, end, emptyText)}</span>}
      actions={
        <Group gap="md">
          {!hasEnded && (
            <Switch
              size="sm"
              label={strings.liveLog.followLog}
              checked={followsEnd}
              onChange={(event) => {
                setFollowsEnd(event.currentTarget.checked);
                if (event.currentTarget.checked) setShownFrom(null);
              }}
            />
          )}
          {lineCount > 0 && (
            <LogSearch
              text={searchText}
              onChange={(text) => {
                setSearchText(text);
                setSelected(null);
              }}
              matchCount={matches.length}
              selected={selected}
              onSelect={select}
            />
          )}
          <LogDownload name={id} read={read} disabled={lineCount === 0} />
        </Group>
      }
    >
      {error !== null && <Notice tone="danger">{strings.liveLog.followingFailed(getErrorMessage(error))}</Notice>}
      {(lines.length > 0 || partialLines.length > 0) && (
        <div
          ref={box}
          className={styles['log']}
          role="log"
          aria-live="off"
          aria-label={title}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
          tabIndex={0}
          onScroll={(event) => {
            const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
            setFollowsEnd(shownFrom === null && scrollHeight - scrollTop - clientHeight < END_TOLERANCE_PX);
          }}
        >
          {first > firstInMemory && (
            <Button size="compact-xs" variant="default" onClick={() => showFrom(first - LINES_PER_CLICK)}>
              {strings.liveLog.earlier}
            </Button>
          )}
          {lines.slice(first - firstInMemory, end - firstInMemory).map((line, index) => {
            const number = first + index;
            return (
              <LogLineRow
                key={number}
                line={line}
                heading={getHeading(line, getLine(number - 1), serverName)}
                match={number === selectedLine ? 'selected' : matchSet.has(number) ? 'match' : undefined}
              />
            );
          })}
          {end < lineCount ? (
            <Button size="compact-xs" variant="default" onClick={() => showFrom(first + LINES_PER_CLICK)}>
              {strings.liveLog.later}
            </Button>
          ) : (
            partialLines.map((line) => (
              <LogLineRow
                key={`${line.step} ${line.serverId} ${line.stream}`}
                line={line}
                heading={getHeading(line, lines.at(-1), serverName)}
              />
            ))
          )}
        </div>
      )}
      {lines.length === 0 && hasEnded && error === null && <DimmedText>{strings.liveLog.isEmpty}</DimmedText>}
    </Section>
  );
}
