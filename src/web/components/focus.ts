/**
 * What had the focus last, menus left aside: they are gone by the time that the dialog which they opened closes,
 * and what opened them is meant.
 */
let lastFocused: HTMLElement | null = null;
/** The same, dialogs left aside too. */
let lastFocusedOnPage: HTMLElement | null = null;

/** Begins to follow the focus; to be called once, before anything can open. */
export function trackFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || target.closest('[role=menu], [role=listbox]') !== null) return;
    lastFocused = target;
    if (target.closest('[role=dialog]') === null) lastFocusedOnPage = target;
  });
  // A button that is disabled while it works loses the focus: it has it again afterwards, unless something else has.
  new MutationObserver((changes) => {
    const isReenabled = changes.some(({ target }) => target === lastFocused && !lastFocused.hasAttribute('disabled'));
    if (isReenabled && isFocusLost()) lastFocused?.focus({ preventScroll: true });
  }).observe(document, { attributeFilter: ['disabled'], subtree: true });
}

const isFocusLost = () => document.activeElement === null || document.activeElement === document.body;

/** What opens a dialog now. */
export const getOpener = (): HTMLElement | null => lastFocused;

/** Where what had the focus in the dialog in front went with a step of it, puts the focus where the dialog wants it. */
export function keepFocusInDialog(): void {
  if (lastFocused?.isConnected === true || !isFocusLost()) return;
  const dialog = [...document.querySelectorAll<HTMLElement>('[role=dialog]')].at(-1);
  (dialog?.querySelector<HTMLElement>('[data-autofocus]') ?? dialog)?.focus();
}

/**
 * Puts the focus back once a dialog closes: to what opened it or, if that went too, to the content of the page.
 * The dialog may still be on its way out, the focus in it.
 */
export function restoreFocus(opener: HTMLElement | null, closing: Element | null): void {
  if (!isFocusLost() && closing?.contains(document.activeElement) !== true) return;
  const target =
    [opener, lastFocusedOnPage].find((candidate) => candidate?.isConnected === true) ?? document.getElementById('main');
  target?.focus();
}
