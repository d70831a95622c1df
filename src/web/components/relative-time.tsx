import { Text, Tooltip } from '@mantine/core';
import { type ReactNode, useEffect, useReducer } from 'react';
import { formatDate, formatDateTime, formatRelativeTime, formatTimeOfDay } from './format.ts';

interface RelativeTimeProps {
  readonly time: string;
  /** Adds words around the relative time, such as "used 3 days ago". */
  readonly phrase?: (relativeTime: string) => string;
  /** Appends the date: "3 days ago (24 Feb 2027)". */
  readonly withDate?: true;
  /** Appends the date and the time of day: "in 3 hours (24 Feb 2027, 09:00)". */
  readonly withTime?: true;
}

/** A relative time that stays up to date. The exact time is shown on hover, focus and touch. */
export function RelativeTime({ time, phrase = (relativeTime) => relativeTime, withDate, withTime }: RelativeTimeProps) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Tooltip label={formatDateTime(time)}>
      <Text component="time" dateTime={time} inherit span>
        {phrase(formatRelativeTime(time))}
        {withDate === true && ` (${formatDate(time)})`}
        {withTime === true && ` (${formatDate(time)}, ${formatTimeOfDay(time)})`}
      </Text>
    </Tooltip>
  );
}

/** An exact time with its time zone, followed by the relative time: "24 Feb 2027, 09:00:00 GMT+1 (in 3 days)". */
export function ExactTime({ time }: { readonly time: string }) {
  return (
    <>
      <time dateTime={time}>{formatDateTime(time)}</time>{' '}
      <Text span inherit c="dimmed">
        (<RelativeTime time={time} />)
      </Text>
    </>
  );
}

interface TimeCellProps {
  readonly time: string;
  /** Whether the first line is the relative time instead of the date. */
  readonly relative?: true;
  /** Replaces the time of day, which is then shown on hover only. */
  readonly note?: ReactNode;
}

/** A time in a table, on two lines: the date above the time of day or, if `relative`, the relative time above both. */
export function TimeCell({ time, relative, note }: TimeCellProps) {
  return (
    <Text component="div" inherit className="time-cell">
      {relative === true ? (
        <RelativeTime time={time} />
      ) : (
        <Tooltip label={formatDateTime(time)}>
          <time dateTime={time}>{formatDate(time)}</time>
        </Tooltip>
      )}
      <Text component="div" fz="xs" c="dimmed" className="time-note">
        {relative === true && <span style={{ whiteSpace: 'nowrap' }}>{formatDate(time)},</span>}{' '}
        {note ?? formatTimeOfDay(time)}
      </Text>
    </Text>
  );
}
