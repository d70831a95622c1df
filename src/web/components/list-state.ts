import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { RESOURCE_SORTS } from '../../contract/vocabulary.ts';

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** The cursors of the pages before this one, for going back. */
    readonly trail?: readonly string[];
  }
}

/** What a list shows, kept in the address: filters, sorting and the page. */
export interface ListState {
  get(name: string): string | undefined;
  /** Sets filters or sorting, and goes to the first page. An empty value takes one out. */
  set(change: Readonly<Record<string, string | null | undefined>>): void;
  readonly cursor: string | undefined;
  /** True beyond the first page. */
  readonly isPaged: boolean;
  /** Whether the page before this one is known; after opening a link to a later page it is not. */
  readonly canGoBack: boolean;
  next(cursor: string): void;
  previous(): void;
}

type Search = Record<string, string | undefined>;

export function useListState(): ListState {
  const search = useSearch({ strict: false }) as Search;
  const trail = useLocation({ select: (location) => location.state.trail }) ?? [];
  const navigate = useNavigate();
  const updateSearch = (change: Search, cursors: readonly string[], replace: boolean) =>
    void navigate({
      to: '.',
      search: (before: Search) => {
        const after: Search = { ...before, ...change };
        for (const [name, value] of Object.entries(after)) {
          if (value === undefined || value === '') delete after[name];
        }
        return after;
      },
      state: { trail: cursors },
      replace,
      resetScroll: false,
    } as never);

  return {
    get: (name) => search[name],
    set(change) {
      const clean = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value ?? undefined]));
      updateSearch({ ...clean, cursor: undefined }, [], true);
    },
    cursor: search['cursor'],
    isPaged: search['cursor'] !== undefined,
    canGoBack: trail.length > 0,
    next: (cursor) => updateSearch({ cursor }, [...trail, search['cursor'] ?? ''], false),
    previous: () => updateSearch({ cursor: trail.at(-1) }, trail.slice(0, -1), false),
  };
}

/** What a list of projects, apps or servers is sorted by, as the API takes it; words that mean nothing are left out. */
export function getResourceSort(state: ListState): (typeof RESOURCE_SORTS)[number] | undefined {
  return RESOURCE_SORTS.find((sort) => sort === state.get('sort'));
}
