/** URLs of git repositories and the credentials in them. Runs in browsers. */

/** A URL without credentials, and the credentials that were part of it. */
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
 * Returns what is wrong with a URL, or null if it can be stored and shown without revealing a secret. The user name
 * and password of an http(s) URL are allowed: they are removed and encrypted. A path on the server may contain
 * anything.
 */
export function repositoryUrlProblem(repository: string): string | null {
  if (repository.startsWith('/')) return null;
  if (/[?#]/.test(repository)) {
    return 'must not contain a query or a fragment (? or #): send a token as the repository password';
  }
  if (!repository.includes('://')) return null;
  // Git and URL parsers disagree on the host of a URL with a backslash.
  if (!URL.canParse(repository) || (isHttp(repository) && repository.includes('\\'))) {
    return 'must be a valid URL, without backslashes';
  }
  const { protocol, hostname, username, password } = new URL(repository);
  // ssh would read the host, with the user in front of it, as an option.
  if (/^(?:-|%2d)/i.test(username || hostname)) return 'must not contain a user or host that starts with -';
  if (isHttp(repository)) return null;
  if (password !== '') return 'must not contain a password: only http and https URLs accept one';
  return username === '' || protocol === 'ssh:' ? null : `must not contain a user: ${protocol}// URLs have none`;
}

/**
 * Removes and returns the user name and password of an http(s) URL. From other URLs only the password is removed, which
 * git would ignore; the user name is part of the address. A query and a fragment are removed, because they may contain
 * a token.
 */
export function splitCredentials(repository: string): RepositoryUrlParts {
  const bare = repository.startsWith('/') ? repository : repository.replace(/[?#].*$/s, '');
  if (!isHttp(bare)) {
    // Invalid http URLs, which git could not fetch, and the git protocol: the user name may be a token.
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

/** Host and port of an ssh server. */
export interface SshHost {
  /** In lower case; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*)$/;

/** Returns the host of a repository that git fetches over ssh, or null. The deploy key is used for this host only. */
export function sshHostOf(repository: string | null): SshHost | null {
  if (repository === null) return null;
  const found = /^[^@/\s]+@([^:/\s]+):/.exec(repository)?.[1];
  const url = found === undefined ? URL.parse(repository) : null;
  if (found === undefined && url?.protocol !== 'ssh:') return null;
  const host = (found ?? url?.hostname ?? '').replace(/^\[|\]$/g, '').toLowerCase();
  return HOST_NAME.test(host) ? { host, port: Number(url?.port || '22') } : null;
}

/**
 * Returns scheme, host and port of an http(s) repository, the only origin to which its credentials are sent; null for
 * other URLs. A host with `*` would be a pattern to git.
 */
export function repositoryOrigin(repository: string | null): string | null {
  if (repository === null || !isHttp(repository)) return null;
  const { origin, hostname } = new URL(repository);
  return hostname.includes('*') ? null : origin;
}
