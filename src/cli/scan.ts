import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { SecretKind } from '../contract/words.ts';
import { createClient } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { hintOf } from '../sdk/secret.ts';
import { readUrl } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, isInteractive } from './input.ts';
import { note, plain, print, printJson } from './output.ts';
import { type Progress, startProgress } from './progress.ts';
import { bytesOf, filesUnder } from './scan/files.ts';
import { createFinder, type Hit } from './scan/find.ts';
import { askGit, rootOf } from './scan/git.ts';
import { commitOf, ignoredOf, type ObjectHit, objectsOf, searchObjects, stagedObjects } from './scan/history.ts';

export interface ScanOptions {
  readonly history: boolean;
  readonly staged?: true;
  readonly server?: string;
  readonly revoke?: true;
  readonly yes?: true;
  readonly json?: true;
  readonly quiet?: true;
}

/** What the server says of a secret that was found. */
type Status = 'live' | 'expired' | 'inactive' | 'unknown' | 'revoked';

interface Finding extends Hit {
  readonly path: string;
  /** Null for a file as it stands. */
  readonly commit: string | null;
}

/** More than these are not listed: whoever has so many has one problem, not many. */
const MOST_FINDINGS = 10_000;
const NAMES: Readonly<Record<SecretKind, string>> = {
  access_token: 'access token',
  api_key: 'API key',
  session: 'session',
};

interface Search {
  readonly findings: Finding[];
  readonly progress: Progress;
  files: number;
  objects: number;
}

function add(search: Search, finding: Finding): void {
  if (search.findings.length < MOST_FINDINGS) search.findings.push(finding);
}

/** Answers with the repositories that were met inside of the path. */
async function searchFiles(search: Search, path: string): Promise<string[]> {
  const inner: string[] = [];
  for await (const file of filesUnder(path, (directory) => inner.push(directory))) {
    const finder = createFinder((hit) => add(search, { ...hit, path: relative('', file) || file, commit: null }));
    try {
      for await (const bytes of bytesOf(file)) finder.write(bytes);
      finder.end();
    } catch (error) {
      note(`devpilot: ${file} was not read: ${error instanceof Error ? error.message : error}`);
    }
    search.files++;
    search.progress.say(`Scanned ${search.files} files …`);
  }
  return inner;
}

/** Adds what objects hold, each secret once a path, under the commit that brought it. */
function addObjectHits(search: Search, root: string, hits: readonly ObjectHit[], isStaged: boolean): void {
  const ignored = ignoredOf(
    root,
    hits.flatMap(({ path }) => (path === null ? [] : [path])),
  );
  const seen = new Set<string>();
  for (const hit of hits) {
    const id = `${hit.secret} ${hit.path}`;
    if (seen.has(id) || (hit.path !== null && ignored.has(hit.path))) continue;
    seen.add(id);
    const path = hit.path === null ? '(message)' : relative('', join(root, hit.path));
    const { secret, kind, line } = hit;
    add(search, { secret, kind, line, path, commit: isStaged ? null : commitOf(root, hit) });
  }
}

async function searchRepository(search: Search, path: string, isStaged: boolean): Promise<void> {
  const directory = statSync(path).isDirectory() ? path : dirname(path);
  const root = rootOf(directory);
  if (root === null) {
    if (isStaged) throw new Failure(`${path} is in no git repository.`);
    return;
  }
  if (!isStaged && askGit(root, ['rev-parse', '--is-shallow-repository'])?.trim() === 'true') {
    note(
      `devpilot: ${plain(root)} is a shallow clone: only what it has of the history is scanned. git fetch --unshallow brings the rest.`,
    );
  }
  const hits: ObjectHit[] = [];
  const below = relative(root, realpathSync(path));
  const objects = isStaged ? stagedObjects(root) : objectsOf(root, below);
  search.progress.say('Scanning the history …');
  search.objects += await searchObjects(root, objects, (hit) => {
    if (hits.length < MOST_FINDINGS) hits.push(hit);
  });
  addObjectHits(search, root, hits, isStaged);
}

/** Asks the server about one secret by presenting it, which counts as a use of it. */
async function statusOf(url: string, secret: string): Promise<Status> {
  try {
    await createClient({ url, credential: secret }).whoami();
    return 'live';
  } catch (error) {
    if (!(error instanceof DevpilotError)) throw error;
    if (error.code === 'invalid_token') return 'unknown';
    if (error.code === 'token_expired') return 'expired';
    if (error.code === 'token_inactive') return 'inactive';
    // Refused only for its passphrase, or for something else that follows after the secret was known.
    if (error.status === 401 || error.status === 403 || error.status === 404) return 'live';
    throw error;
  }
}

type Statuses = Map<string, Status>;

/** Fills in what the server says of each. What it said before it failed stays. */
async function askServer(search: Search, statuses: Statuses, url: string): Promise<void> {
  for (const { secret } of search.findings) {
    search.progress.say(`Asked the server about ${statuses.size} secrets …`);
    if (!statuses.has(secret)) statuses.set(secret, await statusOf(url, secret));
  }
}

async function revokeAll(secrets: readonly string[], statuses: Statuses, url: string): Promise<void> {
  for (const secret of secrets) {
    await createClient({ url }).revoke({ token: secret });
    statuses.set(secret, 'revoked');
  }
}

/**
 * Revokes what the server knows, if told to: by `--revoke`, or on a terminal by whoever is asked once the
 * findings are shown.
 */
async function offerToRevoke(statuses: Statuses, options: ScanOptions, url: string): Promise<void> {
  const known = [...statuses].filter(([, status]) => status !== 'unknown').map(([secret]) => secret);
  if (known.length === 0) return;
  const many = known.length === 1 ? 'the secret' : `the ${known.length} secrets`;
  if (options.revoke !== true && !isInteractive()) {
    note(`To revoke ${many} that the server knows: the same with --revoke --yes`, options);
    return;
  }
  await confirm(`Revoke ${many} that the server knows, for good?`, options.yes);
  await revokeAll(known, statuses, url);
  note(`Revoked ${many}.`, options);
}

async function report(search: Search, statuses: ReadonlyMap<string, Status>, options: ScanOptions): Promise<void> {
  const { findings, files, objects } = search;
  if (options.json === true) {
    const shown = findings.map(({ path, line, commit, kind, secret }) => ({
      path,
      line,
      commit,
      kind,
      hint: hintOf(secret),
      status: statuses.get(secret) ?? null,
    }));
    await printJson({ findings: shown, files, objects });
    return;
  }
  for (const { path, line, commit, kind, secret } of findings) {
    const status = statuses.get(secret);
    const place = `${plain(path)}:${line}${commit === null ? '' : ` (commit ${commit})`}`;
    await print(`${place}: ${NAMES[kind]} …${hintOf(secret)}${status === undefined ? '' : `, ${status}`}\n`);
  }
  const scanned = `${files} files${objects > 0 ? `, ${objects} objects of git` : ''}`;
  const few = findings.length < MOST_FINDINGS ? findings.length : `${findings.length} or more`;
  note(findings.length === 0 ? `No secrets in ${scanned}.` : `${few} found in ${scanned}.`, options);
}

/** Says what was found, whatever becomes of the server's share in it. */
async function tell(search: Search, options: ScanOptions, url: string | null): Promise<void> {
  const statuses: Statuses = new Map();
  let failure: unknown;
  // Told to revoke without a question, the report says what came of it.
  const atOnce = options.revoke === true && options.yes === true;
  try {
    if (url !== null) await askServer(search, statuses, url);
    if (url !== null && atOnce) {
      const known = [...statuses].filter(([, status]) => status !== 'unknown').map(([secret]) => secret);
      await revokeAll(known, statuses, url);
    }
  } catch (error) {
    failure = error;
  }
  search.progress.end();
  await report(search, statuses, options);
  if (failure !== undefined) throw failure;
  if (url !== null && !atOnce) await offerToRevoke(statuses, options, url);
}

/**
 * Finds Devpilot secrets in files and in git history, by prefix and checksum, without asking anybody;
 * with `--server` also which of them are live. Ends with 1 if there are any. Never prints a secret.
 */
export async function scan(paths: readonly string[], options: ScanOptions): Promise<void> {
  const url = options.server === undefined ? null : readUrl(options.server);
  if (options.revoke === true && url === null) throw new Failure('--revoke needs --server.');
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Failure(`There is no ${missing}.`);
  const progress = startProgress('Scanning …', options.quiet);
  const search: Search = { findings: [], progress, files: 0, objects: 0 };
  try {
    for (const path of paths.length === 0 ? ['.'] : paths) {
      if (options.staged === true) {
        await searchRepository(search, path, true);
        continue;
      }
      const inner = await searchFiles(search, path);
      if (options.history) for (const one of [path, ...inner]) await searchRepository(search, one, false);
    }
    if (search.findings.length > 0) process.exitCode = 1;
    await tell(search, options, url);
  } finally {
    progress.end();
  }
}
