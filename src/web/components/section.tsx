import { Group, Paper, Stack, Title } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import { DimmedText } from './text.tsx';

interface SectionProps {
  readonly title: string;
  readonly description?: ReactNode;
  /** Buttons to the right of the heading. */
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
  /** For a section of actions that cannot be undone. */
  readonly tone?: 'danger';
}

/** A part of a page with its own heading. */
export function Section({ title, description, actions, children, tone }: SectionProps) {
  const id = useId();
  return (
    <Paper
      component="section"
      aria-labelledby={id}
      withBorder
      radius="lg"
      p={{ base: 'md', sm: 'lg' }}
      style={{
        borderColor: tone === 'danger' ? 'color-mix(in srgb, var(--app-danger) 50%, transparent)' : 'var(--app-border)',
      }}
    >
      <Stack gap="md">
        <Group justify="space-between" align="flex-start" gap="sm">
          <Stack gap={2} flex="1 1 260px">
            <Title order={2} fz="md" id={id}>
              {title}
            </Title>
            {description !== undefined && <DimmedText>{description}</DimmedText>}
          </Stack>
          {actions}
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}
