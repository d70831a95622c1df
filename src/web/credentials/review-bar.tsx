import { Group, Text } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { LIMITS } from '../../contract/limits.ts';
import type { CountedPage } from '../../contract/paging.ts';
import type { ListState } from '../components/list-state.ts';
import { useWorkspace } from '../session.ts';
import styles from './credentials.module.css';
import { type FilterName, toListFilters, useUnusedAfterDays } from './filters.tsx';
import { type Credential, type CredentialKindConfig, credentialsKey, listCredentials, NEVER } from './kinds.ts';
import { strings } from './strings.ts';

const texts = strings.reviewBar;
const STALE_AFTER_MS = 60_000;

/** A reason to review credentials: the filters that find them, and a label with their number. */
interface ReviewReason {
  readonly filters: Partial<Record<FilterName, string>>;
  /** `count` is null if the server did not count the credentials. */
  readonly label: (count: number | null) => string;
}

function reviewReasons(kind: CredentialKindConfig, unusedDays: number): ReviewReason[] {
  const reasons: ReviewReason[] = [
    { filters: { expiry: '7' }, label: texts.expireSoon },
    {
      filters: { status: 'active', unused: String(unusedDays) },
      label: (count) => texts.unused(count, unusedDays),
    },
    { filters: { expiry: NEVER }, label: texts.neverExpire },
    { filters: { violatesPolicy: 'true' }, label: texts.violatePolicy },
  ];
  if (kind.kind === 'api_key') return reasons;
  return [...reasons, { filters: { status: 'active', right: 'all' }, label: texts.holdAll }];
}

/** Returns the reasons that apply to at least one credential, with their counts; empty until all counts are loaded. */
function useReviewReasons(kind: CredentialKindConfig): (ReviewReason & { readonly count: number | null })[] {
  const { workspace, api } = useWorkspace();
  const reasons = reviewReasons(kind, useUnusedAfterDays());
  const results = useQueries({
    queries: reasons.map(({ filters }) => ({
      queryKey: [...credentialsKey(workspace.id, kind), 'review', filters],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        listCredentials(api, kind, { ...toListFilters((name) => filters[name]), limit: 1 }, { signal }),
      staleTime: STALE_AFTER_MS,
    })),
  });
  if (results.some(({ isPending }) => isPending)) return [];
  return reasons.flatMap((reason, index) => {
    const page = results[index]?.data;
    return page === undefined || page.data.length === 0 ? [] : [{ ...reason, count: page.total }];
  });
}

/**
 * Describes the number of credentials in the list, or a minimum if the server did not count them all; null if only the
 * number on the last page is known.
 */
function describeTotal(
  kind: CredentialKindConfig,
  { total, data, nextCursor }: CountedPage<Credential>,
  isFiltered: boolean,
): string | null {
  if (!isFiltered) return total === null ? texts.moreThan(LIMITS.countedTotal, kind) : texts.total(total, kind);
  if (total !== null) return texts.results(total);
  return nextCursor === null ? null : texts.moreResultsThan(data.length);
}

interface ReviewBarProps {
  readonly kind: CredentialKindConfig;
  readonly state: ListState;
  /** The page that the list shows; undefined while it loads. */
  readonly page: CountedPage<Credential> | undefined;
  readonly isFiltered: boolean;
}

/** The number of credentials in the list, and one link per review reason, which filters the list. */
export function ReviewBar({ kind, state, page, isFiltered }: ReviewBarProps) {
  const reasons = useReviewReasons(kind);
  const shownReasons = page === undefined ? [] : reasons;
  return (
    <Group gap="xs" className={styles['review']}>
      <Text fz="sm" fw={550} role="status">
        {page !== undefined && describeTotal(kind, page, isFiltered)}
      </Text>
      {shownReasons.length > 0 && (
        <ul aria-label={texts.label} className="screen-only">
          {shownReasons.map(({ filters, label, count }) => (
            <li key={JSON.stringify(filters)}>
              <Link
                to="."
                search={{ ...filters, sort: state.get('sort') } as never}
                resetScroll={false}
                activeOptions={{ exact: true }}
              >
                {label(count)}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Group>
  );
}
