import { Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from './confirm.tsx';

/** Asks before the page is left while something on it is not saved. */
export function LeaveGuard({ when }: { readonly when: boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => when && current.pathname !== next.pathname,
    enableBeforeUnload: () => when,
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
