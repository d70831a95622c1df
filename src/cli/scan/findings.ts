import { createHash } from 'node:crypto';
import packageJson from '../../../package.json' with { type: 'json' };
import type { SecretKind } from '../../contract/vocabulary.ts';
import { hintOf } from '../../sdk/secret.ts';
import { countOf, print, printJson, printNote, sanitizeInline } from '../output.ts';
import type { SecretMatch } from './secret-finder.ts';

/** Status of a found secret on the server. */
export type SecretStatus = 'live' | 'expired' | 'inactive' | 'unknown' | 'revoked' | 'reported';
export type SecretStatuses = Map<string, SecretStatus>;

export interface SecretFinding extends SecretMatch {
  readonly path: string;
  /** Null for the current or staged content of a file. */
  readonly commit: string | null;
}

export const SCAN_FORMATS = ['text', 'json', 'sarif'] as const;
export type ScanFormat = (typeof SCAN_FORMATS)[number];

/** Maximum number of findings; the rest are ignored. */
export const MAX_FINDINGS = 10_000;
/** Replaces the path of a finding in the message of a commit or tag. */
export const MESSAGE_PATH = '(message)';

const KIND_LABELS: Readonly<Record<SecretKind, string>> = {
  access_token: 'access token',
  api_key: 'API key',
  session: 'session',
};
/** The kinds of secrets; each has its own rule in a SARIF log. */
const SECRET_KINDS = Object.keys(KIND_LABELS) as SecretKind[];
const ruleId = (kind: SecretKind): string => `devpilot-${kind.replace('_', '-')}`;

/** The findings, and the number of scanned files and Git objects. */
export interface ScanResult {
  readonly findings: readonly SecretFinding[];
  readonly files: number;
  readonly objects: number;
}

function describeFinding({ kind, secret, commit }: SecretFinding, status: SecretStatus | undefined): string {
  const inCommit = commit === null ? '' : ` in commit ${commit}`;
  return `Devpilot ${KIND_LABELS[kind]} …${hintOf(secret)}${inCommit}${status === undefined ? '' : `, ${status}`}`;
}

/** Returns the findings as a SARIF log (OASIS SARIF 2.1.0), with the SHA-256 digests of the secrets. */
export function toSarif({ findings }: ScanResult, statuses: ReadonlyMap<string, SecretStatus>) {
  const rules = SECRET_KINDS.map((kind) => ({
    id: ruleId(kind),
    name: kind.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase()),
    shortDescription: { text: `Devpilot ${KIND_LABELS[kind]}` },
    help: { text: 'Revoke the secret, then remove it from the file. It stays in the Git history.' },
    defaultConfiguration: { level: 'error' },
  }));
  const results = findings.map((finding) => {
    const { kind, path, line, secret, commit } = finding;
    const status = statuses.get(secret);
    const uri = path.split('/').map(encodeURIComponent).join('/');
    const location = { physicalLocation: { artifactLocation: { uri }, region: { startLine: line } } };
    const hash = createHash('sha256').update(secret).digest('hex');
    return {
      ruleId: ruleId(kind),
      ruleIndex: SECRET_KINDS.indexOf(kind),
      level: 'error',
      message: { text: describeFinding(finding, status) },
      locations: path === MESSAGE_PATH ? [] : [location],
      partialFingerprints: { 'devpilotSecret/v1': hash },
      properties: { commit, status: status ?? null },
    };
  });
  const driver = { name: 'devpilot', semanticVersion: packageJson.version, rules };
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
  };
}

/** Prints the findings, without the secrets. */
export async function printFindings(
  result: ScanResult,
  statuses: ReadonlyMap<string, SecretStatus>,
  format: ScanFormat,
  options: { readonly quiet: true | undefined },
): Promise<void> {
  const { findings, files, objects } = result;
  if (format === 'sarif') return printJson(toSarif(result, statuses));
  if (format === 'json') {
    const printedFindings = findings.map(({ path, line, commit, kind, secret }) => {
      return { path, line, commit, kind, hint: hintOf(secret), status: statuses.get(secret) ?? null };
    });
    return printJson({ findings: printedFindings, files, objects });
  }
  for (const { path, line, commit, kind, secret } of findings) {
    const status = statuses.get(secret);
    const location = `${sanitizeInline(path)}:${line}${commit === null ? '' : ` (commit ${commit})`}`;
    await print(`${location}: ${KIND_LABELS[kind]} …${hintOf(secret)}${status === undefined ? '' : `, ${status}`}\n`);
  }
  const scannedItems = `${countOf(files, 'file')}${objects > 0 ? ` and ${countOf(objects, 'Git object')}` : ''}`;
  let found = countOf(findings.length, 'secret');
  if (findings.length === 0) found = 'No secrets';
  else if (findings.length >= MAX_FINDINGS) found = `${findings.length} or more secrets`;
  printNote(`${found} found in ${scannedItems}.`, options);
}
