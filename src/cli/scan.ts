import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { SecretKind } from '../contract/vocabulary.ts';
import { createClient } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { hintOf } from '../sdk/secret.ts';
import { parseUrl } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, isInteractive } from './input.ts';
import { print, printJson, printNote, sanitizeInline } from './output.ts';
import { type ProgressIndicator, startProgress } from './progress.ts';
import { gitOutput, repositoryRoot } from './scan/git.ts';
import {
  findCommit,
  findIgnored,
  historyObjects,
  type ObjectMatch,
  searchObjects,
  stagedObjects,
} from './scan/history.ts';
import { listFiles, readChunks } from './scan/list-files.ts';
import { createSecretFinder, type SecretMatch } from './scan/secret-finder.ts';

export interface ScanOptions {
  readonly history: boolean;
  readonly staged: true | undefined;
  readonly server: string | undefined;
  readonly revoke: true | undefined;
  readonly yes: true | undefined;
  readonly json: true | undefined;
  readonly quiet: true | undefined;
}

/** Status of a found secret on the server. */
type SecretStatus = 'live' | 'expired' | 'inactive' | 'unknown' | 'revoked';

interface SecretFinding extends SecretMatch {
  readonly path: string;
  /** Null for the current content of a file. */
  readonly commit: string | null;
}

/** Maximum number of findings to list. */
const MAX_FINDINGS = 10_000;
const KIND_LABELS: Readonly<Record<SecretKind, string>> = {
  access_token: 'access token',
  api_key: 'API key',
  session: 'session',
};

interface ScanState {
  readonly findings: SecretFinding[];
  readonly progress: ProgressIndicator;
  files: number;
  objects: number;
}

function addFinding(state: ScanState, finding: SecretFinding): void {
  if (state.findings.length < MAX_FINDINGS) state.findings.push(finding);
}

/** Scans files and returns the nested repositories found below the path. */
async function scanFiles(state: ScanState, path: string): Promise<string[]> {
  const nestedRepositories: string[] = [];
  for await (const file of listFiles(path, (directory) => nestedRepositories.push(directory))) {
    const finder = createSecretFinder((match) =>
      addFinding(state, { ...match, path: relative('', file) || file, commit: null }),
    );
    try {
      for await (const bytes of readChunks(file)) finder.write(bytes);
      finder.end();
    } catch (error) {
      printNote(`devpilot: ${file} could not be read: ${error instanceof Error ? error.message : error}`);
    }
    state.files++;
    state.progress.update(`Scanned ${state.files} files …`);
  }
  return nestedRepositories;
}

/** Adds the secrets found in Git objects, each once per path, with the commit that introduced it. */
function addObjectFindings(state: ScanState, root: string, matches: readonly ObjectMatch[], isStaged: boolean): void {
  const ignored = findIgnored(
    root,
    matches.flatMap(({ path }) => (path === null ? [] : [path])),
  );
  const seen = new Set<string>();
  for (const match of matches) {
    const id = `${match.secret} ${match.path}`;
    if (seen.has(id) || (match.path !== null && ignored.has(match.path))) continue;
    seen.add(id);
    const path = match.path === null ? '(message)' : relative('', join(root, match.path));
    const { secret, kind, line } = match;
    addFinding(state, { secret, kind, line, path, commit: isStaged ? null : findCommit(root, match) });
  }
}

async function scanRepository(state: ScanState, path: string, isStaged: boolean): Promise<void> {
  const directory = statSync(path).isDirectory() ? path : dirname(path);
  const root = repositoryRoot(directory);
  if (root === null) {
    if (isStaged) throw new Failure(`${path} is not in a Git repository.`);
    return;
  }
  if (!isStaged && gitOutput(root, ['rev-parse', '--is-shallow-repository'])?.trim() === 'true') {
    printNote(
      `devpilot: ${sanitizeInline(root)} is a shallow clone: only part of the history is scanned. Fetch the rest with: git fetch --unshallow`,
    );
  }
  const matches: ObjectMatch[] = [];
  const pathInRepository = relative(root, realpathSync(path));
  const objects = isStaged ? stagedObjects(root) : historyObjects(root, pathInRepository);
  state.progress.update('Scanning the history …');
  state.objects += await searchObjects(root, objects, (match) => {
    if (matches.length < MAX_FINDINGS) matches.push(match);
  });
  addObjectFindings(state, root, matches, isStaged);
}

/** Checks one secret by authenticating with it, which counts as a use of it. */
async function fetchStatus(url: string, secret: string): Promise<SecretStatus> {
  try {
    await createClient({ url, credential: secret }).whoami();
    return 'live';
  } catch (error) {
    if (!(error instanceof DevpilotError)) throw error;
    if (error.code === 'invalid_token') return 'unknown';
    if (error.code === 'token_expired') return 'expired';
    if (error.code === 'token_inactive') return 'inactive';
    // The server recognized the secret but rejected the request for another reason, such as a missing passphrase.
    if (error.status === 401 || error.status === 403 || error.status === 404) return 'live';
    throw error;
  }
}

type SecretStatuses = Map<string, SecretStatus>;

/** Adds the status of each secret. If a request fails, the statuses received so far remain. */
async function checkWithServer(state: ScanState, statuses: SecretStatuses, url: string): Promise<void> {
  for (const { secret } of state.findings) {
    state.progress.update(`Checked ${statuses.size} secrets on the server …`);
    if (!statuses.has(secret)) statuses.set(secret, await fetchStatus(url, secret));
  }
}

async function revokeAll(secrets: readonly string[], statuses: SecretStatuses, url: string): Promise<void> {
  for (const secret of secrets) {
    await createClient({ url }).revoke({ token: secret });
    statuses.set(secret, 'revoked');
  }
}

/**
 * Revokes the secrets that the server knows: with `--revoke`, or after confirmation on a terminal once the findings
 * are shown.
 */
async function offerToRevoke(statuses: SecretStatuses, options: ScanOptions, url: string): Promise<void> {
  const known = [...statuses].filter(([, status]) => status !== 'unknown').map(([secret]) => secret);
  if (known.length === 0) return;
  const secretsLabel = known.length === 1 ? 'the secret' : `the ${known.length} secrets`;
  if (options.revoke !== true && !isInteractive()) {
    printNote(`To revoke ${secretsLabel} known to the server, run again with --revoke --yes`, options);
    return;
  }
  await confirm(`Permanently revoke ${secretsLabel} known to the server?`, options.yes);
  await revokeAll(known, statuses, url);
  printNote(`Revoked ${secretsLabel}.`, options);
}

async function printFindings(
  state: ScanState,
  statuses: ReadonlyMap<string, SecretStatus>,
  options: ScanOptions,
): Promise<void> {
  const { findings, files, objects } = state;
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
    const location = `${sanitizeInline(path)}:${line}${commit === null ? '' : ` (commit ${commit})`}`;
    await print(`${location}: ${KIND_LABELS[kind]} …${hintOf(secret)}${status === undefined ? '' : `, ${status}`}\n`);
  }
  const scanned = `${files} files${objects > 0 ? `, ${objects} Git objects` : ''}`;
  const foundCount = findings.length < MAX_FINDINGS ? findings.length : `${findings.length} or more`;
  printNote(findings.length === 0 ? `No secrets found in ${scanned}.` : `${foundCount} found in ${scanned}.`, options);
}

/** Prints the findings, even if requests to the server failed. */
async function reportAndRevoke(state: ScanState, options: ScanOptions, url: string | null): Promise<void> {
  const statuses: SecretStatuses = new Map();
  let failure: unknown;
  // With `--revoke --yes` the report includes the result of the revocation.
  const revokeFirst = options.revoke === true && options.yes === true;
  try {
    if (url !== null) await checkWithServer(state, statuses, url);
    if (url !== null && revokeFirst) {
      const known = [...statuses].filter(([, status]) => status !== 'unknown').map(([secret]) => secret);
      await revokeAll(known, statuses, url);
    }
  } catch (error) {
    failure = error;
  }
  state.progress.end();
  await printFindings(state, statuses, options);
  if (failure !== undefined) throw failure;
  if (url !== null && !revokeFirst) await offerToRevoke(statuses, options, url);
}

/**
 * Finds Devpilot secrets in files and Git history by prefix and checksum, offline; with `--server` it also checks
 * which of them are valid. Exits with 1 if any are found. Never prints a secret.
 */
export async function scan(paths: readonly string[], options: ScanOptions): Promise<void> {
  const url = options.server === undefined ? null : parseUrl(options.server);
  if (options.revoke === true && url === null) throw new Failure('--revoke requires --server.');
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new Failure(`${missing} does not exist.`);
  const progress = startProgress('Scanning …', options.quiet);
  const state: ScanState = { findings: [], progress, files: 0, objects: 0 };
  try {
    for (const path of paths.length === 0 ? ['.'] : paths) {
      if (options.staged === true) {
        await scanRepository(state, path, true);
        continue;
      }
      const nestedRepositories = await scanFiles(state, path);
      if (options.history)
        for (const repository of [path, ...nestedRepositories]) await scanRepository(state, repository, false);
    }
    if (state.findings.length > 0) process.exitCode = 1;
    await reportAndRevoke(state, options, url);
  } finally {
    progress.end();
  }
}
