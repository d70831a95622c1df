/**
 * The element that had the focus last, not counting menus. A menu that opens a dialog is removed, so when the dialog
 * closes, the focus must return to the button that opened the menu.
 */
let lastFocused: HTMLElement | null = null;
/** Like `lastFocused`, but also ignores elements within dialogs. */
let lastFocusedOnPage: HTMLElement | null = null;

/** Starts to track the focus. Call it once, before any dialog can open. */
export function trackFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || target.closest('[role=menu], [role=listbox]') !== null) return;
    lastFocused = target;
    if (target.closest('[role=dialog]') === null) lastFocusedOnPage = target;
  });
  // A button loses the focus while it is disabled. It gets the focus back unless another element has it.
  new MutationObserver((changes) => {
    const isReenabled = changes.some(({ target }) => target === lastFocused && !lastFocused.hasAttribute('disabled'));
    if (isReenabled && isFocusLost()) lastFocused?.focus({ preventScroll: true });
  }).observe(document, { attributeFilter: ['disabled'], subtree: true });
}

const isFocusLost = () => document.activeElement === null || document.activeElement === document.body;

/** Returns the element to which a dialog that opens now must return the focus when it closes. */
export const getOpener = (): HTMLElement | null => lastFocused;

/**
 * If the focused element was removed from the topmost dialog, moves the focus to the element with `data-autofocus` or,
 * if there is none, to the dialog.
 */
export function keepFocusInDialog(): void {
  if (lastFocused?.isConnected === true || !isFocusLost()) return;
  const dialog = [...document.querySelectorAll<HTMLElement>('[role=dialog]')].at(-1);
  (dialog?.querySelector<HTMLElement>('[data-autofocus]') ?? dialog)?.focus();
}

/**
 * Returns the focus to the element that opened a dialog or, if that element has been removed, to the page's content.
 * The closing dialog can still be in the document and contain the focus.
 */
export function restoreFocus(opener: HTMLElement | null, closingDialog: Element | null): void {
  if (!isFocusLost() && closingDialog?.contains(document.activeElement) !== true) return;
  const target =
    [opener, lastFocusedOnPage].find((candidate) => candidate?.isConnected === true) ?? document.getElementById('main');
  target?.focus();
}
