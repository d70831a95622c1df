import { Text } from '@mantine/core';
import { useEffect, useReducer } from 'react';
import { formatDuration } from './units.ts';

interface DurationProps {
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** The duration of a job, up to now if it is still running. */
export function Duration({ startedAt, finishedAt }: DurationProps) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const isRunning = startedAt !== null && finishedAt === null;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  if (startedAt === null) {
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  }
  const end = finishedAt === null ? Date.now() : Date.parse(finishedAt);
  return <span style={{ whiteSpace: 'nowrap' }}>{formatDuration(end - Date.parse(startedAt))}</span>;
}
