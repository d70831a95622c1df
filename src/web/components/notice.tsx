import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { IconAlertTriangle, IconCheck } from './icons.ts';

export type Tone = 'success' | 'warning' | 'danger' | 'neutral';

const ROLES: Readonly<Partial<Record<Tone, 'alert' | 'status'>>> = { danger: 'alert', success: 'status' };

/** A short warning, error or success message. Errors and successes are announced by screen readers. */
export function Notice({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  const Icon = tone === 'success' ? IconCheck : IconAlertTriangle;
  return (
    <Group className={`notice tone-${tone}`} gap="sm" align="flex-start" wrap="nowrap" role={ROLES[tone]}>
      <Icon size={18} aria-hidden />
      <Text fz="sm" component="div" flex={1}>
        {children}
      </Text>
    </Group>
  );
}

/** A colored label, for example a status or a scope. */
export function Tag({ tone = 'neutral', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={`tag tone-${tone}`}>{children}</span>;
}
