import { Text, Tooltip } from '@mantine/core';
import { useEffect, useReducer } from 'react';
import { formatDateTime, formatRelativeTime } from './format.ts';

/** A relative time that stays up to date. The exact time is shown on hover, focus and touch. */
export function RelativeTime({ time, prefix = '' }: { readonly time: string; readonly prefix?: string }) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Tooltip label={formatDateTime(time)}>
      <Text component="time" dateTime={time} inherit span>
        {prefix}
        {formatRelativeTime(time)}
      </Text>
    </Tooltip>
  );
}
