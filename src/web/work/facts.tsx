import { Text } from '@mantine/core';
import { useEffect, useReducer } from 'react';
import { durationText } from './duration.ts';

interface WorkTimes {
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** How long work took, or takes so far. */
export function Duration({ startedAt, finishedAt }: WorkTimes) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const runs = startedAt !== null && finishedAt === null;
  useEffect(() => {
    if (!runs) return;
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [runs]);
  if (startedAt === null) {
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  }
  const end = finishedAt === null ? Date.now() : Date.parse(finishedAt);
  return <span style={{ whiteSpace: 'nowrap' }}>{durationText(end - Date.parse(startedAt))}</span>;
}

interface Maker {
  readonly kind: string;
  readonly name: string | null;
}

/** Who began it, as the log keeps them. */
export function makerName({ kind, name }: Maker): string {
  if (kind === 'system') return 'the schedule';
  return name ?? kind.replaceAll('_', ' ');
}
