/** Addresses of git repositories and the credentials in them. Runs in a browser. */

/** An address without credentials, and the credentials that stood in it. */
export interface RepositoryUrlParts {
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
}

const decodeLeniently = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const isHttp = (repository: string): boolean => /^https?:\/\//i.test(repository) && URL.canParse(repository);

/**
 * What is wrong with an address that can be stored and shown without giving a secret away; null where nothing is. The
 * user and password of an http(s) address are no fault: they are taken out of it and sealed. A path on the server may
 * contain anything.
 */
export function repositoryUrlProblem(repository: string): string | null {
  if (repository.startsWith('/')) return null;
  if (/[?#]/.test(repository)) {
    return 'must not contain a query or a fragment (? or #): send a token as the repository password';
  }
  if (!repository.includes('://')) return null;
  // Git and URL parsers disagree on the host of an address with a backslash.
  if (!URL.canParse(repository) || (isHttp(repository) && repository.includes('\\'))) {
    return 'must be a valid URL, without backslashes';
  }
  const { protocol, username, password } = new URL(repository);
  if (isHttp(repository)) return null;
  if (password !== '') return 'must not contain a password: only http and https URLs accept one';
  return username === '' || protocol === 'ssh:' ? null : `must not contain a user: ${protocol}// URLs have none`;
}

/**
 * Takes the user and password of an http(s) address out of it. From other addresses only a password is removed, which
 * nothing would use: their user belongs to the address. A query and a fragment, which may hold a token, are removed.
 */
export function splitCredentials(repository: string): RepositoryUrlParts {
  const bare = repository.startsWith('/') ? repository : repository.replace(/[?#].*$/s, '');
  if (!isHttp(bare)) {
    // An http address that is no URL, which git could not fetch, and git's own protocol: the user may be a token.
    const url = repository
      .replace(/^((?:https?|git):\/\/)[^/\s]*@/i, '$1')
      .replace(/^([a-z]+:\/\/[^/:\s]*):[^/\s]*@/i, '$1@')
      .replace(repository.startsWith('/') ? '' : /[?#].*$/s, '');
    return { url, user: null, password: null };
  }
  if (!/^https?:\/+[^/]*@/i.test(bare)) return { url: bare, user: null, password: null };
  const url = new URL(bare);
  const user = url.username === '' ? null : decodeLeniently(url.username);
  const password = url.password === '' ? null : decodeLeniently(url.password);
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
