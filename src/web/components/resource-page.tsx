import { Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { DevpilotError } from '../../sdk/client.ts';
import { capitalize } from './format.ts';
import { IconTrash } from './icons.ts';
import { Page } from './page.tsx';
import { BlockSkeleton, EmptyState, ErrorState } from './states.tsx';

interface ResourcePageProps<Item> {
  /** The kind of the resource, for example “project”. */
  readonly noun: string;
  /** The title while the resource is loading. */
  readonly title: string;
  readonly backLink: ReactNode;
  readonly query: UseQueryResult<Item>;
  readonly children: (item: Item) => ReactNode;
}

/** The page of a resource in any state: loading, failed, not found, or loaded. */
export function ResourcePage<Item>({ noun, title, backLink, query, children }: ResourcePageProps<Item>) {
  const { data, error, refetch } = query;
  if (error instanceof DevpilotError && error.code === 'not_found') {
    return (
      <Stack gap="md">
        {backLink}
        <Page title={`${capitalize(noun)} not found`}>
          <EmptyState icon={<IconTrash size={26} />} title={`This ${noun} does not exist`}>
            <Text c="dimmed" fz="sm">
              It was deleted or belongs to another workspace.
            </Text>
          </EmptyState>
        </Page>
      </Stack>
    );
  }
  return (
    <Stack gap="md">
      {backLink}
      {data !== undefined ? (
        children(data)
      ) : (
        <Page title={title}>
          {error === null ? <BlockSkeleton height={320} /> : <ErrorState error={error} retry={() => void refetch()} />}
        </Page>
      )}
    </Stack>
  );
}
