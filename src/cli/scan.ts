import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createClient } from '../sdk/client.ts';
import { DevpilotError } from '../sdk/errors.ts';
import { parseUrl } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, isInteractive, parseChoice } from './input.ts';
import { printNote, sanitizeInline } from './output.ts';
import { type ProgressIndicator, startProgress } from './progress.ts';
import {
  MAX_FINDINGS,
  MESSAGE_PATH,
  printFindings,
  SCAN_FORMATS,
  type ScanFormat,
  type SecretFinding,
  type SecretStatus,
  type SecretStatuses,
} from './scan/findings.ts';
import { gitOutput, repositoryRoot } from './scan/git.ts';
import {
  findCommit,
  findIgnored,
  historyObjects,
  type ObjectMatch,
  searchObjects,
  stagedObjects,
} from './scan/history.ts';
import { installHook } from './scan/hook.ts';
import { listFiles, readChunks } from './scan/list-files.ts';
import { createSecretFinder } from './scan/secret-finder.ts';

export interface ScanOptions {
  readonly history: boolean;
  readonly staged: true | undefined;
  readonly server: string | undefined;
  readonly revoke: true | undefined;
  readonly report: true | undefined;
  readonly installHook: true | undefined;
  readonly format: string | undefined;
  readonly yes: true | undefined;
  readonly json: true | undefined;
  readonly quiet: true | undefined;
}

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

/**
 * Adds the secrets found in Git objects, each once per path, with the commit that introduced it unless it is staged.
 */
function addObjectFindings(state: ScanState, root: string, matches: readonly ObjectMatch[], isStaged: boolean): void {
  const ignored = findIgnored(
    root,
    matches.flatMap(({ path }) => (path === null ? [] : [path])),
  );
  const addedIds = new Set<string>();
  for (const match of matches) {
    const id = `${match.secret} ${match.path}`;
    if (addedIds.has(id) || (match.path !== null && ignored.has(match.path))) continue;
    addedIds.add(id);
    const path = match.path === null ? MESSAGE_PATH : relative('', join(root, match.path));
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

/** Checks a secret by authenticating with it, which counts as a use of the credential. */
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

/** Adds the status of each secret. If a request fails, the statuses received so far remain. */
async function checkWithServer(state: ScanState, statuses: SecretStatuses, url: string): Promise<void> {
  for (const { secret } of state.findings) {
    state.progress.update(`Checked ${statuses.size} secrets on the server …`);
    if (!statuses.has(secret)) statuses.set(secret, await fetchStatus(url, secret));
  }
}

function secretsKnownToServer(statuses: SecretStatuses): string[] {
  return [...statuses].filter(([, status]) => status !== 'unknown').map(([secret]) => secret);
}

async function revokeAll(secrets: readonly string[], statuses: SecretStatuses, url: string): Promise<void> {
  for (const secret of secrets) {
    await createClient({ url }).revoke({ token: secret });
    statuses.set(secret, 'revoked');
  }
}

const MAX_REPORTS_PER_REQUEST = 100;

/** Reports each secret as leaked, with the location of its first finding. */
async function reportAll({ findings }: ScanState, statuses: SecretStatuses, url: string): Promise<void> {
  const firstFindings = new Map(findings.toReversed().map((finding) => [finding.secret, finding]));
  const reports = [...firstFindings.values()].map(({ secret, kind, path, line, commit }) => {
    const location = `${path}:${line}${commit === null ? '' : ` (commit ${commit})`}`;
    return { token: secret, type: kind, url: location, source: 'devpilot scan' };
  });
  for (let start = 0; start < reports.length; start += MAX_REPORTS_PER_REQUEST) {
    const batch = reports.slice(start, start + MAX_REPORTS_PER_REQUEST);
    const labels = await createClient({ url }).reportLeaks(batch);
    for (const [index, { token }] of batch.entries()) {
      statuses.set(token, labels[index]?.label === 'true_positive' ? 'reported' : 'unknown');
    }
  }
}

/** Reports the printed findings to the server after confirmation. */
async function offerToReport(state: ScanState, statuses: SecretStatuses, options: ScanOptions, url: string) {
  if (state.findings.length === 0) return;
  await confirm(
    `Report the findings to ${url}? The policy of a workspace may delete its reported credentials.`,
    options.yes,
  );
  await reportAll(state, statuses, url);
  const reportedCount = [...statuses.values()].filter((status) => status === 'reported').length;
  printNote(`Reported. Secrets known to the server: ${reportedCount}.`, options);
}

/**
 * Revokes the secrets that are known to the server, after confirmation or with `--yes`. Without `--revoke` and without
 * a terminal, only prints how to revoke them.
 */
async function offerToRevoke(statuses: SecretStatuses, options: ScanOptions, url: string): Promise<void> {
  const secrets = secretsKnownToServer(statuses);
  if (secrets.length === 0) return;
  const secretsLabel = secrets.length === 1 ? 'the secret' : `the ${secrets.length} secrets`;
  if (options.revoke !== true && !isInteractive()) {
    printNote(`To revoke ${secretsLabel} known to the server, run again with --revoke --yes`, options);
    return;
  }
  await confirm(`Permanently revoke ${secretsLabel} known to the server?`, options.yes);
  await revokeAll(secrets, statuses, url);
  printNote(`Revoked ${secretsLabel}.`, options);
}

/** Checks, reports or revokes the secrets as the options demand, and prints the findings, even if a request failed. */
async function reportAndRevoke(state: ScanState, options: ScanOptions, format: ScanFormat, url: string | null) {
  const statuses: SecretStatuses = new Map();
  let failure: unknown;
  const { report, revoke, yes } = options;
  try {
    // If no confirmation is needed, the printed findings include the result of reporting or revoking.
    if (url !== null && report === true && yes === true) await reportAll(state, statuses, url);
    if (url !== null && report !== true) await checkWithServer(state, statuses, url);
    if (url !== null && revoke === true && yes === true) await revokeAll(secretsKnownToServer(statuses), statuses, url);
  } catch (error) {
    failure = error;
  }
  state.progress.end();
  await printFindings(state, statuses, format, options);
  if (failure !== undefined) throw failure;
  if (url === null) return;
  if (report === true && yes !== true) await offerToReport(state, statuses, options, url);
  if (report !== true && !(revoke === true && yes === true)) await offerToRevoke(statuses, options, url);
}

function formatOf({ format, json }: ScanOptions): ScanFormat {
  if (format === undefined) return json === true ? 'json' : 'text';
  const scanFormat = parseChoice('--format', format, SCAN_FORMATS);
  if (json === true && scanFormat !== 'json')
    throw new Failure(`--json cannot be combined with --format ${scanFormat}.`);
  return scanFormat;
}

/**
 * Finds Devpilot secrets in files and Git history by prefix and checksum, offline. With `--server`, also checks which
 * secrets are valid. Exits with code 1 if any secret is found. Never prints a secret.
 */
export async function scan(paths: readonly string[], options: ScanOptions): Promise<void> {
  const url = options.server === undefined ? null : parseUrl(options.server);
  for (const name of ['revoke', 'report'] as const) {
    if (options[name] === true && url === null) throw new Failure(`--${name} requires --server.`);
  }
  if (options.revoke === true && options.report === true) throw new Failure('Use --revoke or --report, not both.');
  const format = formatOf(options);
  const missingPath = paths.find((path) => !existsSync(path));
  if (missingPath !== undefined) throw new Failure(`${missingPath} does not exist. Check the path.`);
  if (options.installHook === true) return installHook(paths[0] ?? '.', options);
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
    await reportAndRevoke(state, options, format, url);
  } finally {
    progress.end();
  }
}
