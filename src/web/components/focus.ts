/**
 * What had the focus last, menus left aside: they are gone by the time that the dialog which they opened closes,
 * and what opened them is meant.
 */
let latest: HTMLElement | null = null;
/** The same, dialogs left aside too. */
let latestOnPage: HTMLElement | null = null;

/** Begins to follow the focus; to be called once, before anything can open. */
export function followFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || target.closest('[role=menu], [role=listbox]') !== null) return;
    latest = target;
    if (target.closest('[role=dialog]') === null) latestOnPage = target;
  });
  // A button that is disabled while it works loses the focus: it has it again afterwards, unless something else has.
  new MutationObserver((changes) => {
    const again = changes.some(({ target }) => target === latest && !latest.hasAttribute('disabled'));
    if (again && isNowhere()) latest?.focus({ preventScroll: true });
  }).observe(document, { attributeFilter: ['disabled'], subtree: true });
}

const isNowhere = () => document.activeElement === null || document.activeElement === document.body;

/** What opens a dialog now. */
export const openerNow = (): HTMLElement | null => latest;

/** Where what had the focus in the dialog in front went with a step of it, puts the focus where the dialog wants it. */
export function keepFocusInDialog(): void {
  if (latest?.isConnected === true || !isNowhere()) return;
  const dialog = [...document.querySelectorAll<HTMLElement>('[role=dialog]')].at(-1);
  (dialog?.querySelector<HTMLElement>('[data-autofocus]') ?? dialog)?.focus();
}

/**
 * Puts the focus back once a dialog closes: to what opened it or, if that went too, to the content of the page.
 * The dialog may still be on its way out, the focus in it.
 */
export function giveFocusBack(opener: HTMLElement | null, closing: Element | null): void {
  if (!isNowhere() && closing?.contains(document.activeElement) !== true) return;
  const place = [opener, latestOnPage].find((one) => one?.isConnected === true) ?? document.getElementById('main');
  place?.focus();
}
