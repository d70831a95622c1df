import { Button, Group, Switch } from '@mantine/core';
import { memo, useEffect, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import { getErrorMessage } from '../api.ts';
import styles from './live-log.module.css';
import { LogDownload } from './log-download.tsx';
import { LogSearch } from './log-search.tsx';
import { Notice } from './notice.tsx';
import { Section } from './section.tsx';
import { strings } from './strings.ts';
import { TerminalLine } from './terminal-line.tsx';
import type { LiveLogState, ReadLog } from './use-live-log.ts';
import { useLogSearch } from './use-log-search.ts';
import { type ShownLines, useShownLines } from './use-shown-lines.ts';

const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

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
  /** The name of the downloaded file without its extension. */
  readonly fileName: string;
  readonly title?: string;
  readonly log: LiveLogState;
  /** Reads the log again, for the downloaded file. */
  readonly read: ReadLog;
  /** Returns the name of a server by ID, or null. If omitted, the headings of the lines contain no server. */
  readonly serverName?: ((id: string | null) => string | null) | undefined;
  /** Shown while the log is empty. */
  readonly emptyText: string;
}

/** Describes how many lines the log has and, if only a part of them is shown, which. */
function describeShownLines({ lineCount, hasEnded }: LiveLogState, { first, end }: ShownLines, emptyText: string) {
  if (lineCount === 0) return hasEnded ? strings.liveLog.noOutput : emptyText;
  const total = strings.liveLog.lineCount(lineCount, !hasEnded);
  const isPart = first > 0 || end < lineCount;
  return isPart ? strings.liveLog.shownLines(total, first + 1, end) : total;
}

/** Returns the step and the server of a line; null if it has neither, or if the previous line has the same ones. */
function getHeading(
  line: LogLine,
  previous: LogLine | undefined,
  serverName: LiveLogProps['serverName'],
): string | null {
  if (previous?.step === line.step && previous.serverId === line.serverId) return null;
  const serverLabel = serverName?.(line.serverId) ?? null;
  return [line.step, serverLabel].filter((part) => part !== null).join(' · ') || null;
}

interface LogBoxProps extends Pick<LiveLogProps, 'log' | 'serverName'> {
  readonly label: string;
  readonly shownLines: ShownLines;
  /** Numbers of the lines that match the search. */
  readonly matches: readonly number[];
  /** Number of the selected match's line; null if no match is selected. */
  readonly selectedLine: number | null;
}

/** The box that scrolls: the shown lines, and buttons that show other lines. */
function LogBox({ label, log, shownLines, matches, selectedLine, serverName }: LogBoxProps) {
  const { lines, partialLines, lineCount } = log;
  const { box, firstInMemory, first, end } = shownLines;
  const matchingLines = new Set(matches);
  useEffect(() => {
    if (selectedLine === null) return;
    box.current?.querySelector('[data-match="selected"]')?.scrollIntoView({ block: 'nearest' });
  }, [box, selectedLine]);

  function getMatch(lineNumber: number): LogLineRowProps['match'] {
    if (lineNumber === selectedLine) return 'selected';
    return matchingLines.has(lineNumber) ? 'match' : undefined;
  }

  return (
    <div
      ref={box}
      className={styles['log']}
      role="log"
      aria-live="off"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
      tabIndex={0}
      onScroll={shownLines.handleScroll}
    >
      {first > firstInMemory && (
        <Button size="compact-xs" variant="default" onClick={shownLines.showEarlier}>
          {strings.liveLog.earlier}
        </Button>
      )}
      {lines.slice(first - firstInMemory, end - firstInMemory).map((line, index) => {
        const lineNumber = first + index;
        return (
          <LogLineRow
            key={lineNumber}
            line={line}
            heading={getHeading(line, lines[lineNumber - 1 - firstInMemory], serverName)}
            match={getMatch(lineNumber)}
          />
        );
      })}
      {end < lineCount ? (
        <Button size="compact-xs" variant="default" onClick={shownLines.showLater}>
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
  );
}

/** The output of a job or of an app's log command. It is followed until it ends. */
export function LiveLog({ fileName, title = strings.liveLog.title, log, read, serverName, emptyText }: LiveLogProps) {
  const { lines, partialLines, lineCount, hasEnded, error } = log;
  const shownLines = useShownLines(log);
  const [searchText, setSearchText] = useState('');
  const matches = useLogSearch(searchText, log);
  /** Index of the selected match in `matches`. */
  const [selected, setSelected] = useState<number | null>(null);

  function search(text: string): void {
    setSearchText(text);
    setSelected(null);
  }
  function select(index: number): void {
    const lineNumber = matches[index];
    if (lineNumber === undefined) return;
    setSelected(index);
    shownLines.showLine(lineNumber);
  }

  return (
    <Section
      title={title}
      description={<span role="status">{describeShownLines(log, shownLines, emptyText)}</span>}
      actions={
        <Group gap="md">
          {!hasEnded && (
            <Switch
              size="sm"
              label={strings.liveLog.followLog}
              checked={shownLines.followsEnd}
              onChange={(event) => shownLines.setFollowsEnd(event.currentTarget.checked)}
            />
          )}
          {lineCount > 0 && (
            <LogSearch
              text={searchText}
              onChange={search}
              matchCount={matches.length}
              selected={selected}
              onSelect={select}
            />
          )}
          <LogDownload name={fileName} read={read} disabled={lineCount === 0} />
        </Group>
      }
    >
      {error !== null && <Notice tone="danger">{strings.liveLog.followingFailed(getErrorMessage(error))}</Notice>}
      {(lines.length > 0 || partialLines.length > 0) && (
        <LogBox
          label={title}
          log={log}
          shownLines={shownLines}
          matches={matches}
          selectedLine={selected === null ? null : (matches[selected] ?? null)}
          serverName={serverName}
        />
      )}
    </Section>
  );
}
