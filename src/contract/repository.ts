/** URLs of Git repositories and the credentials in them. Runs in browsers. */

/** A URL without its credentials, and the credentials that it contained. */
export interface RepositoryUrlParts {
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
}

/** Decodes percent-encoded text; returns the text itself if the encoding is invalid. */
const decodeLeniently = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const isHttp = (repository: string): boolean => /^https?:\/\//i.test(repository) && URL.canParse(repository);

/**
 * Returns why a URL is not accepted, or null if it can be stored and shown without revealing a secret. An http(s) URL
 * can have a user name and password, because they are removed and encrypted. A path on the app's server can contain any
 * character.
 */
export function repositoryUrlProblem(repository: string): string | null {
  if (repository.startsWith('/')) return null;
  if (/[?#]/.test(repository)) {
    return 'must not contain a query or a fragment (? or #); to use a token, set it as the repository password';
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
  if (password !== '') return 'must not contain a password; only http and https URLs accept one';
  return username === '' || protocol === 'ssh:' ? null : `must not contain a user name; ${protocol}// URLs have none`;
}

const withoutQueryAndFragment = (repository: string): string =>
  repository.startsWith('/') ? repository : repository.replace(/[?#].*$/s, '');

/**
 * Removes and returns the user name and password of an http(s) URL. From an ssh URL, only the password is removed,
 * which Git would ignore; the user name is part of the address. A query and a fragment are removed, because they can
 * contain a token.
 */
export function splitCredentials(repository: string): RepositoryUrlParts {
  const bare = withoutQueryAndFragment(repository);
  if (!isHttp(bare)) {
    // In an invalid http URL and in a git:// URL, the user name is removed too, because it could be a token.
    const url = repository
      .replace(/^((?:https?|git):\/\/)[^/\s]*@/i, '$1')
      .replace(/^([a-z]+:\/\/[^/:\s]*):[^/\s]*@/i, '$1@');
    return { url: withoutQueryAndFragment(url), user: null, password: null };
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

/**
 * Returns the host of a repository that Git fetches over SSH; null for other repositories and invalid hosts. The deploy
 * key is used for this host only.
 */
export function sshHostOf(repository: string | null): SshHost | null {
  if (repository === null) return null;
  const scpHost = /^[^@/\s]+@([^:/\s]+):/.exec(repository)?.[1];
  const url = scpHost === undefined ? URL.parse(repository) : null;
  if (scpHost === undefined && url?.protocol !== 'ssh:') return null;
  const host = (scpHost ?? url?.hostname ?? '').replace(/^\[|\]$/g, '').toLowerCase();
  return HOST_NAME.test(host) ? { host, port: Number(url?.port || '22') } : null;
}

/**
 * Returns the origin (scheme, host and port) of an http(s) repository. Its credentials are sent to this origin only.
 * Returns null for other URLs, and for a host with `*`, which Git would treat as a pattern.
 */
export function repositoryOrigin(repository: string | null): string | null {
  if (repository === null || !isHttp(repository)) return null;
  const { origin, hostname } = new URL(repository);
  return hostname.includes('*') ? null : origin;
}
