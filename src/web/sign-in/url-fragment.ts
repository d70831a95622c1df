/**
 * Returns the decoded fragment of the URL. If it is not empty, removes the fragment and the query from the address bar
 * and the history.
 */
export function takeUrlFragment(): string {
  const fragment = decodeURIComponent(window.location.hash.slice(1));
  if (fragment !== '') window.history.replaceState(window.history.state, '', window.location.pathname);
  return fragment;
}
