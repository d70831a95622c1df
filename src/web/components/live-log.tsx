import { Button, Group, Switch } from '@mantine/core';
import { memo, useEffect, useRef, useState } from 'react';
import type { LogLine } from '../../contract/logs.ts';
import { getErrorMessage } from '../api.ts';
import { download } from './download.ts';
import { IconDownload } from './icons.ts';
import styles from './live-log.module.css';
import { Notice } from './notice.tsx';
import { notifyError } from './notify-error.ts';
import { Section } from './section.tsx';
import { strings } from './strings.ts';
import { TerminalLine } from './terminal-line.tsx';
import { toPlainText } from './terminal-text.ts';
import { DimmedText } from './text.tsx';
import { type LiveLogState, MAX_SHOWN_LINES, type ReadLog } from './use-live-log.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

interface LogLineRowProps {
  readonly line: LogLine;
  readonly heading: string | null;
}

export const LogLineRow = memo(function LogLineRow({ line, heading }: LogLineRowProps) {
  const { at: time, stream, text } = line;
  return (
    <>
      {heading !== null && <div className={styles['step']}>{heading}</div>}
      <div className={styles['logLine']} data-stream={stream}>
        <time dateTime={time}>{clock.format(new Date(time))}</time>
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
  /** Returns the name of a line's server, if there are several servers. */
  readonly serverName?: (id: string | null) => string | null;
  /** Shown while the log is empty. */
  readonly emptyText: string;
}

/** The live output of a job. */
export function LiveLog({ id, title = strings.liveLog.title, log, read, serverName, emptyText }: LiveLogProps) {
  const { lines, count, ended, error } = log;
  const box = useRef<HTMLDivElement>(null);
  const [followsEnd, setFollowsEnd] = useState(true);
  const [saving, setSaving] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls to the end whenever lines are added
  useEffect(() => {
    const element = box.current;
    if (element !== null && followsEnd) element.scrollTop = element.scrollHeight;
  }, [count, followsEnd]);

  async function save() {
    setSaving(true);
    try {
      const parts: string[] = [];
      for await (const { at: time, stream, step, text } of read({}, {})) {
        parts.push(`${time} ${stream}${step === null ? '' : ` ${step}`}: ${toPlainText(text)}\n`);
      }
      download(`${id}.log`, new Blob(parts, { type: 'text/plain' }));
    } catch (thrown) {
      notifyError(thrown);
    } finally {
      setSaving(false);
    }
  }

  const headingOf = (index: number): string | null => {
    const line = lines[index];
    const previous = lines[index - 1];
    if (line === undefined || (previous?.step === line.step && previous?.serverId === line.serverId)) return null;
    const serverLabel = serverName?.(line.serverId) ?? null;
    return [line.step, serverLabel].filter((part) => part !== null).join(' · ') || null;
  };
  const first = count - lines.length;
  const lineCount = strings.liveLog.lineCount(count, !ended);
  return (
    <Section
      title={title}
      description={
        <span role="status">
          {count === 0
            ? ended
              ? strings.liveLog.noOutput
              : emptyText
            : first > 0
              ? strings.liveLog.lastLinesOf(lineCount, MAX_SHOWN_LINES)
              : lineCount}
        </span>
      }
      actions={
        <Group gap="md">
          {!ended && (
            <Switch
              size="sm"
              label={strings.liveLog.followLog}
              checked={followsEnd}
              onChange={(event) => setFollowsEnd(event.currentTarget.checked)}
            />
          )}
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={16} />}
            loading={saving}
            disabled={count === 0}
            onClick={() => void save()}
          >
            {strings.liveLog.download}
          </Button>
        </Group>
      }
    >
      {error !== null && <Notice tone="bad">{strings.liveLog.followingFailed(getErrorMessage(error))}</Notice>}
      {lines.length > 0 && (
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
            setFollowsEnd(scrollHeight - scrollTop - clientHeight < 24);
          }}
        >
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: it is the line's number in the log
            <LogLineRow key={first + index} line={line} heading={headingOf(index)} />
          ))}
        </div>
      )}
      {lines.length === 0 && ended && error === null && <DimmedText>{strings.liveLog.isEmpty}</DimmedText>}
    </Section>
  );
}
