import { Button, Group, Switch, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { memo, useEffect, useRef, useState } from 'react';
import type { LogLine } from '../../contract/log-line.ts';
import type { CallOptions, LogAsk } from '../../sdk/client.ts';
import { messageOf } from '../api.ts';
import { download } from '../components/download.ts';
import { IconDownload } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { plainText } from './lines.ts';
import styles from './work.module.css';

export type ReadLog = (ask: LogAsk, call: CallOptions) => AsyncIterable<LogLine>;

/** Lines that are on the page; all are in the file. */
const SHOWN = 2000;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

interface LogState {
  readonly lines: readonly LogLine[];
  /** All that were read, those not shown any more among them. */
  readonly count: number;
  readonly ended: boolean;
  readonly error: unknown;
}
const NOTHING: LogState = { lines: [], count: 0, ended: false, error: null };

/** Follows a log while the page shows it; what comes within a frame is drawn at once. */
function useLog(id: string, read: ReadLog): LogState {
  const [state, setState] = useState(NOTHING);
  const reader = useRef(read);
  reader.current = read;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another log is read anew
  useEffect(() => {
    const gone = new AbortController();
    let waiting: LogLine[] = [];
    let frame = 0;
    function draw() {
      frame = 0;
      const fresh = waiting;
      waiting = [];
      setState(({ lines, count, ...rest }) => ({
        ...rest,
        lines: [...lines, ...fresh].slice(-SHOWN),
        count: count + fresh.length,
      }));
    }
    async function follow() {
      try {
        for await (const line of reader.current({ follow: true }, { signal: gone.signal })) {
          waiting.push(line);
          frame ||= requestAnimationFrame(draw);
        }
        if (!gone.signal.aborted) setState((before) => ({ ...before, ended: true }));
      } catch (error) {
        if (!gone.signal.aborted) setState((before) => ({ ...before, ended: true, error }));
      }
    }
    setState(NOTHING);
    void follow();
    return () => {
      gone.abort();
      cancelAnimationFrame(frame);
    };
  }, [id]);
  return state;
}

interface LineProps {
  readonly line: LogLine;
  readonly heading: string | null;
}

const Line = memo(function Line({ line, heading }: LineProps) {
  const { at, stream, text } = line;
  return (
    <>
      {heading !== null && <div className={styles['step']}>{heading}</div>}
      <div className={styles['line']} data-stream={stream}>
        <time dateTime={at}>{clock.format(new Date(at))}</time>
        <span>{plainText(text)}</span>
      </div>
    </>
  );
});

interface LiveLogProps {
  readonly id: string;
  readonly title?: string;
  readonly read: ReadLog;
  /** What a line's server is called, where there are several. */
  readonly serverName?: (id: string | null) => string | null;
  /** What is said while nothing has been said. */
  readonly silence: string;
}

/** What work says, as it says it. */
export function LiveLog({ id, title = 'Log', read, serverName, silence }: LiveLogProps) {
  const { lines, count, ended, error } = useLog(id, read);
  const box = useRef<HTMLDivElement>(null);
  const [sticks, setSticks] = useState(true);
  const [saving, setSaving] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it sticks to the end whenever there is more
  useEffect(() => {
    const place = box.current;
    if (place !== null && sticks) place.scrollTop = place.scrollHeight;
  }, [count, sticks]);

  async function save() {
    setSaving(true);
    try {
      const parts: string[] = [];
      for await (const { at, stream, step, text } of read({}, {})) {
        parts.push(`${at} ${stream}${step === null ? '' : ` ${step}`}: ${plainText(text)}\n`);
      }
      download(`${id}.log`, new Blob(parts, { type: 'text/plain' }));
    } catch (thrown) {
      notifications.show({ color: 'red', message: messageOf(thrown) });
    } finally {
      setSaving(false);
    }
  }

  const headingOf = (at: number): string | null => {
    const line = lines[at];
    const before = lines[at - 1];
    if (line === undefined || (before?.step === line.step && before?.serverId === line.serverId)) return null;
    const where = serverName?.(line.serverId) ?? null;
    return [line.step, where].filter((one) => one !== null).join(' · ') || null;
  };
  const first = count - lines.length;
  return (
    <Section
      title={title}
      description={
        <span role="status">
          {count === 0 ? (ended ? 'Nothing was said.' : silence) : `${count.toLocaleString('en')} lines`}
          {!ended && count > 0 && ', more to come'}
          {first > 0 && `; the last ${SHOWN.toLocaleString('en')} are shown`}
        </span>
      }
      actions={
        <Group gap="md">
          {!ended && (
            <Switch
              size="sm"
              label="Stay at the end"
              checked={sticks}
              onChange={(event) => setSticks(event.currentTarget.checked)}
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
            Download
          </Button>
        </Group>
      }
    >
      {error !== null && <Notice tone="bad">The log can not be followed any further: {messageOf(error)}</Notice>}
      {lines.length > 0 && (
        <div
          ref={box}
          className={styles['log']}
          role="log"
          aria-live="off"
          aria-label={title}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          onScroll={(event) => {
            const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
            setSticks(scrollHeight - scrollTop - clientHeight < 24);
          }}
        >
          {lines.map((line, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: it is the number of the line in the log
            <Line key={first + at} line={line} heading={headingOf(at)} />
          ))}
        </div>
      )}
      {lines.length === 0 && ended && error === null && (
        <Text fz="sm" c="dimmed">
          There is nothing to read.
        </Text>
      )}
    </Section>
  );
}
