import { Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from './confirm.tsx';

/** What is shown there: a page, in a workspace. Filters and sorting do not matter. */
function placeOf({ pathname, search }: { readonly pathname: string; readonly search: unknown }): string {
  const { workspace = '' } = search as { readonly workspace?: string };
  return `${workspace} ${pathname}`;
}

interface LeaveGuardProps {
  readonly when: boolean | (() => boolean);
  /** The question, where it is not about changes that are not saved. */
  readonly title?: string;
  /** What leaving would lose. */
  readonly loss?: string;
}

/** Asks before the page is left, reloaded or closed while something on it would be lost. */
export function LeaveGuard({
  when,
  title = 'Leave without saving?',
  loss = 'What you changed here is not saved, and will be gone.',
}: LeaveGuardProps) {
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
      title={title}
      confirm="Leave"
      onConfirm={async () => blocker.proceed()}
    >
      <Text fz="sm">{loss}</Text>
    </ConfirmDialog>
  );
}

/** Asks before leaving while something is on the screen that can never be shown again. */
export function RevealGuard({ what }: { readonly what: string }) {
  return (
    <LeaveGuard
      when
      title="Leave without storing it?"
      loss={`This is the only time that ${what} can be shown. If you have not stored it, it is lost.`}
    />
  );
}
