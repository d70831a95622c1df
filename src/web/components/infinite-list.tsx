import { Button, Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { Page } from '../../contract/paging.ts';

interface PageQuery {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** Reads a list whose later pages are appended on demand. `data` contains the items of all pages. */
export function useInfiniteList<Item>(
  queryKey: readonly unknown[],
  list: (query: PageQuery, options: { readonly signal: AbortSignal }) => Promise<Page<Item>>,
  pageSize: number,
) {
  return useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => list({ limit: pageSize, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
  });
}

interface LoadMoreButtonProps {
  readonly list: Pick<ReturnType<typeof useInfiniteList>, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>;
  readonly label: string;
}

/** Loads the next page of an infinite list. Renders nothing once all pages are loaded. */
export function LoadMoreButton({ list, label }: LoadMoreButtonProps) {
  if (!list.hasNextPage) return null;
  return (
    <Group>
      <Button size="xs" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {label}
      </Button>
    </Group>
  );
}
