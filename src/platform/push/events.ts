import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { PUSH_LIMITS } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { checkJsonLimits } from '../bounded-json.ts';
import { asArray, asObject, type JsonObject } from '../json-values.ts';

/** A push to a repository, as Git hosts report it. */
export interface PushEvent {
  /** Null for a tag or any other reference that is not a branch. */
  readonly branch: string | null;
  readonly isDeletion: boolean;
  /** The message of the newest commit. */
  readonly message: string;
  /** The paths that changed; null if the Git host lists only part of them, or if there are too many. */
  readonly paths: readonly string[] | null;
}

const headerOf = (headers: IncomingHttpHeaders, ...names: string[]): string | null => {
  const value = names.map((name) => headers[name]).find((text) => text !== undefined);
  return typeof value === 'string' ? value : null;
};

function isEqual(actual: string, expected: string): boolean {
  const actualBytes = Buffer.from(actual);
  const expectedBytes = Buffer.from(expected);
  return actualBytes.length === expectedBytes.length && timingSafeEqual(actualBytes, expectedBytes);
}

/**
 * Whether the headers prove that the sender of a body has the secret: by an HMAC-SHA-256 of the body (GitHub, Gitea and
 * Forgejo) or by the secret itself (GitLab).
 */
export function isSignedBy(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const token = headerOf(headers, 'x-gitlab-token');
  if (token !== null) return isEqual(token, secret);
  const signature = headerOf(headers, 'x-hub-signature-256', 'x-gitea-signature', 'x-forgejo-signature');
  if (signature === null) return false;
  const expected = createHmac('sha256', secret).update(body).digest('hex');
  return isEqual(signature.replace(/^sha256=/, '').toLowerCase(), expected);
}

/** Returns the ID of a delivery, which is the same if the Git host repeats the delivery; null if there is none. */
export function deliveryIdOf(headers: IncomingHttpHeaders): string | null {
  const id = headerOf(
    headers,
    'x-github-delivery',
    'x-gitea-delivery',
    'x-forgejo-delivery',
    'idempotency-key',
    'x-gitlab-event-uuid',
  );
  return id !== null && /^[\x21-\x7e]{1,128}$/.test(id) ? id : null;
}

/** Whether the event is a push. Git hosts also send other events, such as a ping when the webhook is created. */
export function isPush(headers: IncomingHttpHeaders): boolean {
  const event = headerOf(headers, 'x-gitea-event', 'x-forgejo-event', 'x-github-event', 'x-gitlab-event');
  return event === 'push' || event === 'Push Hook' || event === 'Tag Push Hook';
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * Returns the paths that the commits of a push changed; null if not all commits are listed, or there are too many
 * paths.
 */
function changedPaths(payload: JsonObject): string[] | null {
  const commits = asArray(payload['commits']).map(asObject);
  const total = payload['total_commits_count'] ?? payload['total_commits'];
  // A new branch or a forced push may list no commits.
  if (commits.length === 0 || (typeof total === 'number' && total > commits.length)) return null;
  const paths = commits.flatMap((commit) =>
    ['added', 'modified', 'removed'].flatMap((kind) => asArray(commit[kind]).map(textOf)),
  );
  return paths.length > PUSH_LIMITS.paths ? null : paths;
}

/**
 * Reads the payload of a push, which is JSON or a form field with JSON. Throws `invalid_request` for anything else,
 * `too_large` for JSON beyond the limits.
 */
export async function readPushEvent(body: Buffer, contentType: string): Promise<PushEvent> {
  const isForm = contentType.startsWith('application/x-www-form-urlencoded');
  const json = isForm ? Buffer.from(new URLSearchParams(body.toString()).get('payload') ?? '') : body;
  await checkJsonLimits(json, PUSH_LIMITS.json);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json.toString());
  } catch {
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
  const payload = asObject(parsed);
  const reference = textOf(payload['ref']);
  if (!reference.startsWith('refs/'))
    throw new Problem('invalid_request', 'The body has no ref of a push. A ref is, for example, refs/heads/main.');
  const newest = asObject(payload['head_commit'] ?? asArray(payload['commits']).at(-1));
  return {
    branch: reference.startsWith('refs/heads/') ? reference.slice('refs/heads/'.length) : null,
    isDeletion: payload['deleted'] === true || /^0+$/.test(textOf(payload['after'])),
    message: textOf(newest['message']),
    paths: changedPaths(payload),
  };
}
