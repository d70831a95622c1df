import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useEffectEvent, useId } from 'react';
import { getOpener, keepFocusInDialog, restoreFocus } from './focus.ts';

/** The dialogs that are open, the one in front last. */
const openDialogs: symbol[] = [];
/** How many have closed and are about to give the focus back. */
let closingCount = 0;

/**
 * A dialog. Give it to React only while it is open, or with `opened`: when it closes, the focus goes back to what
 * opened it either way. Escape closes the one in front alone.
 */
export function Dialog({ opened, closeOnEscape = true, ...props }: ModalProps) {
  const id = useId();
  const close = useEffectEvent(() => {
    if (closeOnEscape) props.onClose();
  });

  useEffect(() => {
    if (!opened) return;
    const opener = getOpener();
    const token = Symbol();
    openDialogs.push(token);
    function handleKeyDown(event: KeyboardEvent): void {
      if (event.key !== 'Escape' || event.isComposing || openDialogs.at(-1) !== token) return;
      // What is open within the dialog, the choices of a field or a calendar, closes first.
      const inner = event.target instanceof Element && event.target.closest('[data-mantine-stop-propagation=true]');
      if (inner === false || inner === null) close();
    }
    window.addEventListener('keydown', handleKeyDown, { capture: true });
    const observer = new MutationObserver(() => {
      if (openDialogs.at(-1) === token && closingCount === 0) keepFocusInDialog();
    });
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      observer.disconnect();
      window.removeEventListener('keydown', handleKeyDown, { capture: true });
      openDialogs.splice(openDialogs.indexOf(token), 1);
      closingCount++;
      setTimeout(() => {
        closingCount--;
        restoreFocus(opener, document.getElementById(`${id}-body`)?.closest('[role=dialog]') ?? null);
      });
    };
  }, [opened, id]);

  return <Modal id={id} opened={opened} returnFocus={false} closeOnEscape={false} {...props} />;
}
