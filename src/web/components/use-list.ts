import { keepPreviousData, type UseQueryOptions, type UseQueryResult, useQuery } from '@tanstack/react-query';
import type { Page } from '../../contract/paging.ts';
import type { WorkStatus } from '../../contract/platform-vocabulary.ts';
import { isInProgress } from './job-status.tsx';

type ListOptions<Data> = Pick<UseQueryOptions<Data>, 'enabled' | 'refetchInterval'>;

/** Reads one page of a list. While another page or filter loads, the previous rows stay visible. */
export function useList<Query extends object, Data extends Page<unknown>>(
  queryKey: readonly unknown[],
  list: (query: Query, options: { readonly signal: AbortSignal }) => Promise<Data>,
  query: Query,
  options: ListOptions<Data> = {},
): UseQueryResult<Data> {
  return useQuery({
    queryKey: [...queryKey, 'list', query],
    queryFn: ({ signal }) => list(query, { signal }),
    placeholderData: keepPreviousData,
    ...options,
  });
}

/** The options of `useList` for jobs: polls every 2 seconds while a job is in progress, otherwise every 10 seconds. */
export const jobPolling: { refetchInterval: (query: JobsQuery) => number } = {
  refetchInterval: ({ state: { data } }) =>
    data?.data.some(
      ({ status, lastVerification }) =>
        isInProgress(status) || (lastVerification != null && isInProgress(lastVerification.status)),
    ) === true
      ? 2000
      : 10_000,
};

interface JobsQuery {
  readonly state: { readonly data: Page<Job> | undefined };
}
interface Job {
  readonly status: WorkStatus;
  /** Only backups are verified. A verification has its own status. */
  readonly lastVerification?: { readonly status: WorkStatus } | null;
}
