import { Button, Group } from '@mantine/core';
import type { ListState } from './list-state.ts';

interface PageButtonsProps {
  readonly state: ListState;
  readonly nextCursor: string | null;
  /** `first` replaces `previous` if the previous page is unknown because the current one was opened by a link. */
  readonly labels: { readonly first: string; readonly previous: string; readonly next: string };
}

/** The buttons to the previous and the next page of a list. */
export function PageButtons({ state, nextCursor, labels }: PageButtonsProps) {
  return (
    <Group gap="xs">
      {state.isLaterPage && (
        <Button size="xs" variant="default" onClick={state.previous}>
          {state.canGoBack ? labels.previous : labels.first}
        </Button>
      )}
      <Button
        size="xs"
        variant="default"
        disabled={nextCursor === null}
        onClick={() => nextCursor !== null && state.next(nextCursor)}
      >
        {labels.next}
      </Button>
    </Group>
  );
}
