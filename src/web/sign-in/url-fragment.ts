/** Returns the URL's fragment and removes it from the address bar and the history. */
export function takeUrlFragment(): string {
  const fragment = decodeURIComponent(window.location.hash.slice(1));
  if (fragment !== '') window.history.replaceState(window.history.state, '', window.location.pathname);
  return fragment;
}
