import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { RESOURCE_SORTS } from '../../contract/platform-vocabulary.ts';

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** The cursors of the previous pages, for going back. The first page has an empty cursor. */
    readonly previousCursors?: readonly string[];
  }
}

/** The state of a list in the URL: filters, sort order and page. */
export interface ListState {
  get(name: string): string | undefined;
  /** Sets filters or the sort order and goes to the first page. An empty value removes a filter. */
  set(change: Readonly<Record<string, string | null | undefined>>): void;
  readonly cursor: string | undefined;
  /** Whether the list shows a page after the first. */
  readonly isLaterPage: boolean;
  /** Whether the previous page is known; false on the first page, and on a later page that was opened by a link. */
  readonly canGoBack: boolean;
  next(cursor: string): void;
  /** Goes to the previous page or, if that is unknown, to the first. */
  previous(): void;
}

type Search = Record<string, string | undefined>;

interface HistoryUpdate {
  readonly previousCursors: readonly string[];
  /** Whether to replace the current entry of the browser's history instead of adding one. */
  readonly replace: boolean;
}

export function useListState(): ListState {
  const search = useSearch({ strict: false }) as Search;
  const previousCursors = useLocation({ select: (location) => location.state.previousCursors }) ?? [];
  const navigate = useNavigate();
  const updateSearch = (change: Search, historyUpdate: HistoryUpdate) =>
    void navigate({
      to: '.',
      search: (before: Search) => {
        const after: Search = { ...before, ...change };
        for (const [name, value] of Object.entries(after)) {
          if (value === undefined || value === '') delete after[name];
        }
        return after;
      },
      state: { previousCursors: historyUpdate.previousCursors },
      replace: historyUpdate.replace,
      resetScroll: false,
    } as never);

  return {
    get: (name) => search[name],
    set(change) {
      const changedParameters: Search = {};
      for (const [name, value] of Object.entries(change)) changedParameters[name] = value ?? undefined;
      updateSearch({ ...changedParameters, cursor: undefined }, { previousCursors: [], replace: true });
    },
    cursor: search['cursor'],
    isLaterPage: search['cursor'] !== undefined,
    canGoBack: previousCursors.length > 0,
    next(cursor) {
      const currentCursor = search['cursor'] ?? '';
      updateSearch({ cursor }, { previousCursors: [...previousCursors, currentCursor], replace: false });
    },
    previous() {
      const previousCursor = previousCursors.at(-1);
      updateSearch({ cursor: previousCursor }, { previousCursors: previousCursors.slice(0, -1), replace: false });
    },
  };
}

/**
 * Returns the sort order of a list of projects, apps, servers or scripts; undefined if the URL's value is missing or
 * invalid.
 */
export function getResourceSort(state: ListState): (typeof RESOURCE_SORTS)[number] | undefined {
  return RESOURCE_SORTS.find((sort) => sort === state.get('sort'));
}
