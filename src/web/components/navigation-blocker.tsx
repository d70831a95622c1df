import { Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { strings } from './strings.ts';
import { useUnsavedInput } from './unsaved-input.ts';

/** Returns a key that identifies a page of a workspace, ignoring filters and the sort order. */
function locationKey({ pathname, search }: { readonly pathname: string; readonly search: unknown }): string {
  const { workspace = '' } = search as { readonly workspace?: string };
  return `${workspace} ${pathname}`;
}

interface NavigationBlockerProps {
  readonly when: boolean | (() => boolean);
  /** Replaces the default question about unsaved changes. */
  readonly title?: string;
  /** Describes what the user loses by leaving. */
  readonly consequence?: string;
}

/** Asks for confirmation before the user leaves, reloads or closes a page with unsaved data. */
export function NavigationBlocker({
  when,
  title = strings.navigationBlocker.title,
  consequence = strings.navigationBlocker.consequence,
}: NavigationBlockerProps) {
  const shouldBlock = () => (typeof when === 'function' ? when() : when);
  useUnsavedInput(shouldBlock);
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => shouldBlock() && locationKey(current) !== locationKey(next),
    enableBeforeUnload: shouldBlock,
    withResolver: true,
  });
  if (blocker.status !== 'blocked') return null;
  return (
    <ConfirmDialog
      onClose={blocker.reset}
      title={title}
      confirmLabel={strings.navigationBlocker.confirmLabel}
      onConfirm={async () => blocker.proceed()}
    >
      <Text fz="sm">{consequence}</Text>
    </ConfirmDialog>
  );
}

/** Asks for confirmation before the user leaves a page with a secret that is shown only once. */
export function UnstoredSecretBlocker({ secretName }: { readonly secretName: string }) {
  return (
    <NavigationBlocker
      when
      title={strings.navigationBlocker.secretTitle}
      consequence={strings.navigationBlocker.shownOnlyOnce(secretName)}
    />
  );
}
