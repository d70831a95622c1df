import { Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from './confirm.tsx';

/** What is shown there: a page, in a workspace. Filters and sorting do not matter. */
function placeOf({ pathname, search }: { readonly pathname: string; readonly search: unknown }): string {
  const { workspace = '' } = search as { readonly workspace?: string };
  return `${workspace} ${pathname}`;
}

/** Asks before the page is left while something on it is not saved. */
export function LeaveGuard({ when }: { readonly when: boolean | (() => boolean) }) {
  const isDirty = () => (typeof when === 'function' ? when() : when);
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isDirty() && placeOf(current) !== placeOf(next),
    enableBeforeUnload: isDirty,
    withResolver: true,
  });
  if (blocker.status !== 'blocked') return null;
  return (
    <ConfirmDialog
      opened
      onClose={blocker.reset}
      title="Leave without saving?"
      confirm="Leave"
      onConfirm={async () => blocker.proceed()}
    >
      <Text fz="sm">What you changed here is not saved, and will be gone.</Text>
    </ConfirmDialog>
  );
}
