import { Text, Tooltip } from '@mantine/core';
import { useEffect, useReducer } from 'react';
import { exactTime, relativeTime } from './format.ts';

/** An instant as people say it, exact on hover, focus and touch; kept true while it is on the screen. */
export function Ago({ at, prefix = '' }: { readonly at: string; readonly prefix?: string }) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <Tooltip label={exactTime(at)}>
      <Text component="time" dateTime={at} inherit span>
        {prefix}
        {relativeTime(at)}
      </Text>
    </Tooltip>
  );
}
