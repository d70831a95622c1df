import { Button, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useEffect } from 'react';
import { notifyError } from './notify-error.ts';
import { strings } from './strings.ts';

const UNDO_TIME_MS = 10_000;

/** The changes that can still be undone; the latest is last. */
const undoable: { readonly undo: () => void }[] = [];

/** Returns whether an element accepts typing. Ctrl+Z is left to such an element. */
const acceptsTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox]):not([type=radio])'));

window.addEventListener('keydown', (event) => {
  const isUndoKey = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z';
  const latest = undoable.at(-1);
  if (!isUndoKey || latest === undefined || acceptsTyping(event.target)) return;
  event.preventDefault();
  latest.undo();
});

interface UndoMessageProps {
  readonly undo: () => void;
  readonly children: ReactNode;
}

function UndoMessage({ undo, children }: UndoMessageProps) {
  useEffect(() => {
    const entry = { undo };
    undoable.push(entry);
    return () => {
      undoable.splice(undoable.indexOf(entry), 1);
    };
  }, [undo]);
  return (
    <Stack gap={8} align="flex-start">
      <span>{children}</span>
      <Button size="compact-sm" variant="default" aria-keyshortcuts="Control+Z Meta+Z" onClick={undo}>
        {strings.undo.undo}
      </Button>
    </Stack>
  );
}

/**
 * Shows a notification about a change. The change can be undone with a button and with Ctrl+Z or Cmd+Z for ten seconds,
 * or longer while the notification has the focus or the pointer.
 */
export function notifyWithUndo(message: string, undo: () => Promise<unknown>): void {
  function undoOnce(): void {
    notifications.hide(id);
    undo().catch(notifyError);
  }
  const id = notifications.show({
    autoClose: UNDO_TIME_MS,
    message: <UndoMessage undo={undoOnce}>{message}</UndoMessage>,
  });
}
