import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { strings } from './strings.ts';

interface PageProps {
  readonly title: string;
  readonly description?: ReactNode;
  /** Buttons to the right of the title. */
  readonly actions?: ReactNode;
  /** Wide for tables, narrow for forms and text. */
  readonly width?: 'wide' | 'narrow';
  readonly children: ReactNode;
}

/** In characters; a longer title is shown in a smaller font. */
const LONG_TITLE_LENGTH = 80;

/** Sets the document's title. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = strings.page.documentTitle(title);
  }, [title]);
}

/** A page with its title, description, actions and content. */
export function Page({ title, description, actions, width = 'wide', children }: PageProps) {
  useTitle(title);
  return (
    <Stack gap="lg" maw={width === 'wide' ? 1240 : 760}>
      <Group justify="space-between" align="flex-start" gap="md">
        <Stack gap={4} flex="1 1 320px" miw={0} style={{ overflowWrap: 'anywhere' }}>
          <Title order={1} fz={title.length > LONG_TITLE_LENGTH ? 18 : 26} lh={1.25}>
            <bdi>{title}</bdi>
          </Title>
          {description !== undefined && (
            <Text c="dimmed" fz="sm" maw={640}>
              {description}
            </Text>
          )}
        </Stack>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
