import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useEffectEvent, useId } from 'react';
import { giveFocusBack, keepFocusInDialog, openerNow } from './focus.ts';

/** The dialogs that are open, the one in front last. */
const open: symbol[] = [];
/** How many have closed and are about to give the focus back. */
let closing = 0;

/**
 * A dialog. Give it to React only while it is open, or with `opened`: when it closes, the focus goes back to what
 * opened it either way. Escape closes the one in front alone.
 */
export function Dialog({ opened, closeOnEscape = true, ...props }: ModalProps) {
  const id = useId();
  const leave = useEffectEvent(() => {
    if (closeOnEscape) props.onClose();
  });

  useEffect(() => {
    if (!opened) return;
    const opener = openerNow();
    const me = Symbol();
    open.push(me);
    function listen(event: KeyboardEvent): void {
      if (event.key !== 'Escape' || event.isComposing || open.at(-1) !== me) return;
      // What is open within the dialog, the choices of a field or a calendar, closes first.
      const inner = event.target instanceof Element && event.target.closest('[data-mantine-stop-propagation=true]');
      if (inner === false || inner === null) leave();
    }
    window.addEventListener('keydown', listen, { capture: true });
    const steps = new MutationObserver(() => {
      if (open.at(-1) === me && closing === 0) keepFocusInDialog();
    });
    steps.observe(document.body, { childList: true, subtree: true });
    return () => {
      steps.disconnect();
      window.removeEventListener('keydown', listen, { capture: true });
      open.splice(open.indexOf(me), 1);
      closing++;
      setTimeout(() => {
        closing--;
        giveFocusBack(opener, document.getElementById(`${id}-body`)?.closest('[role=dialog]') ?? null);
      });
    };
  }, [opened, id]);

  return <Modal id={id} opened={opened} returnFocus={false} closeOnEscape={false} {...props} />;
}
