import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useEffectEvent, useId } from 'react';
import { getOpener, keepFocusInDialog, restoreFocus } from './focus.ts';

/** The open dialogs; the topmost one is last. */
const openDialogs: symbol[] = [];
/** Number of closed dialogs that have not restored the focus yet. */
let closingCount = 0;

/**
 * A dialog. Render it only while it is open; when it is unmounted, the focus returns to the element that opened it.
 * Escape closes only the topmost dialog. By default, a click outside does not close it, so that no input is lost.
 */
export function Dialog({ closeOnEscape = true, ...props }: Omit<ModalProps, 'opened'>) {
  const id = useId();
  const close = useEffectEvent(() => {
    if (closeOnEscape) props.onClose();
  });

  useEffect(() => {
    const opener = getOpener();
    const dialogToken = Symbol();
    openDialogs.push(dialogToken);
    function handleKeyDown(event: KeyboardEvent): void {
      if (event.key !== 'Escape' || event.isComposing || openDialogs.at(-1) !== dialogToken) return;
      // An open dropdown or calendar within the dialog closes first.
      const { target } = event;
      const isInPopup = target instanceof Element && target.closest('[data-mantine-stop-propagation=true]') !== null;
      if (!isInPopup) close();
    }
    window.addEventListener('keydown', handleKeyDown, { capture: true });
    const observer = new MutationObserver(() => {
      if (openDialogs.at(-1) === dialogToken && closingCount === 0) keepFocusInDialog();
    });
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      observer.disconnect();
      window.removeEventListener('keydown', handleKeyDown, { capture: true });
      openDialogs.splice(openDialogs.indexOf(dialogToken), 1);
      closingCount++;
      setTimeout(() => {
        closingCount--;
        restoreFocus(opener, document.getElementById(`${id}-body`)?.closest('[role=dialog]') ?? null);
      });
    };
  }, [id]);

  return <Modal id={id} opened returnFocus={false} closeOnEscape={false} closeOnClickOutside={false} {...props} />;
}
