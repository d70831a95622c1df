/** Addresses of git repositories and the credentials in them. Runs in a browser. */

/** An address without credentials, and the credentials that stood in it. */
export interface RepositoryParts {
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const isHttp = (repository: string): boolean => /^https?:\/\//i.test(repository) && URL.canParse(repository);

/**
 * Takes the user and password of an http(s) address out of it. From other addresses only a password is removed, which
 * nothing would use: their user belongs to the address.
 */
export function takeCredentialsOut(repository: string): RepositoryParts {
  if (!isHttp(repository)) {
    // An http address that is no URL, which git could not fetch: its user may be a token.
    const url = repository
      .replace(/^(https?:\/\/)[^/@\s]*@/i, '$1')
      .replace(/^([a-z]+:\/\/[^/@:\s]*):[^/@\s]*@/i, '$1@');
    return { url, user: null, password: null };
  }
  const url = new URL(repository);
  if (url.username === '' && url.password === '') return { url: repository, user: null, password: null };
  const user = url.username === '' ? null : decoded(url.username);
  const password = url.password === '' ? null : decoded(url.password);
  url.username = '';
  url.password = '';
  return { url: url.href, user, password };
}

/**
 * Scheme, host and port of an http(s) repository, the only place that its credentials are sent to; null for an address
 * that takes none. A host with `*` would be a pattern to git.
 */
export function repositoryOrigin(repository: string | null): string | null {
  if (repository === null || !isHttp(repository)) return null;
  const { origin, hostname } = new URL(repository);
  return hostname.includes('*') ? null : origin;
}
