import { Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from './confirm-dialog.tsx';

/** What is shown there: a page, in a workspace. Filters and sorting do not matter. */
function locationKey({ pathname, search }: { readonly pathname: string; readonly search: unknown }): string {
  const { workspace = '' } = search as { readonly workspace?: string };
  return `${workspace} ${pathname}`;
}

interface NavigationBlockerProps {
  readonly when: boolean | (() => boolean);
  /** The question, where it is not about changes that are not saved. */
  readonly title?: string;
  /** What leaving would lose. */
  readonly consequence?: string;
}

/** Asks before the page is left, reloaded or closed while something on it would be lost. */
export function NavigationBlocker({
  when,
  title = 'Leave without saving?',
  consequence = 'Your unsaved changes will be lost.',
}: NavigationBlockerProps) {
  const shouldBlock = () => (typeof when === 'function' ? when() : when);
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => shouldBlock() && locationKey(current) !== locationKey(next),
    enableBeforeUnload: shouldBlock,
    withResolver: true,
  });
  if (blocker.status !== 'blocked') return null;
  return (
    <ConfirmDialog
      opened
      onClose={blocker.reset}
      title={title}
      confirmLabel="Leave"
      onConfirm={async () => blocker.proceed()}
    >
      <Text fz="sm">{consequence}</Text>
    </ConfirmDialog>
  );
}

/** Asks before leaving while something is on the screen that can never be shown again. */
export function UnstoredSecretBlocker({ secretName }: { readonly secretName: string }) {
  return (
    <NavigationBlocker
      when
      title="Leave without saving it?"
      consequence={`This is the only time ${secretName} can be shown. If you have not stored it, it is lost.`}
    />
  );
}
