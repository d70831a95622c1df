import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { IconAlertTriangle, IconCheck } from './icons.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'mute';

/** A line or two that want to be read: a warning, a failure, a success. Failures and successes are announced. */
export function Notice({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  const Icon = tone === 'good' ? IconCheck : IconAlertTriangle;
  return (
    <Group
      className={`notice tone-${tone}`}
      gap="sm"
      align="flex-start"
      wrap="nowrap"
      role={tone === 'bad' ? 'alert' : tone === 'good' ? 'status' : undefined}
    >
      <Icon size={18} aria-hidden />
      <Text fz="sm" component="div" flex={1}>
        {children}
      </Text>
    </Group>
  );
}

/** A word in a coloured field: a status, a scope. */
export function Tag({ tone = 'mute', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={`tag tone-${tone}`}>{children}</span>;
}
