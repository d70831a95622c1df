import { Stack } from '@mantine/core';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type CallOptions, DevpilotError } from '../../sdk/client.ts';
import { useWorkspace } from '../session.ts';
import { capitalize } from './format.ts';
import { IconTrash } from './icons.ts';
import { BackLink } from './link.tsx';
import { Page } from './page.tsx';
import { BlockSkeleton, EmptyState, ErrorState } from './states.tsx';
import { strings } from './strings.ts';

interface ResourcePageProps<Item> {
  /** The kind of the resource, for example "project". */
  readonly noun: string;
  /** The title until the resource is loaded. */
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
        <Page title={strings.resourcePage.notFoundTitle(capitalize(noun))}>
          <EmptyState icon={<IconTrash size={26} />} title={strings.resourcePage.doesNotExistTitle(noun)}>
            {strings.resourcePage.doesNotExistHint}
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

interface NamedResourcePageProps<Item> {
  /** The kind of the resource, which is also the name of the parameter in the path of the page. */
  readonly noun: 'project' | 'server' | 'script';
  readonly get: (id: string, options: CallOptions) => Promise<Item>;
  readonly children: (item: Item) => ReactNode;
}

/** The page of the project, server or script in the URL. */
export function NamedResourcePage<Item>({ noun, get, children }: NamedResourcePageProps<Item>) {
  const { workspace } = useWorkspace();
  const { [noun]: id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, `${noun}s`, id],
    queryFn: ({ signal }) => get(id, { signal }),
  });
  return (
    <ResourcePage
      noun={noun}
      title={capitalize(noun)}
      backLink={<BackLink to={`/${noun}s`}>{strings.resourcePage.listTitle(capitalize(noun))}</BackLink>}
      query={query}
    >
      {children}
    </ResourcePage>
  );
}
