import { parseCsv } from '../contract/csv.ts';
import type { ImportCredentials } from '../contract/imports.ts';
import { containsSecret } from '../contract/redact.ts';
import { Failure } from './failure.ts';
import { sanitizeInline } from './output.ts';
import { readRestrictions } from './restriction-options.ts';

/** A credential to import, and the number of the line on which it begins. */
export interface ImportLine {
  readonly line: number;
  readonly credential: ImportCredentials['credentials'][number];
}

const COLUMNS = [
  'kind',
  'digest',
  'name',
  'rights',
  'expiresAt',
  'description',
  'active',
  'addresses',
  'projects',
  'apps',
  'rate',
  'maxUses',
] as const;
type CsvColumn = (typeof COLUMNS)[number];

/** Prefixes a failure with the line number. */
function withLineNumber<Value>(line: number, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`Line ${line}: ${error.message}`);
    throw error;
  }
}

const toList = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

function parseActive(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Failure('active must be true or false.');
  return text === 'true';
}

/**
 * Returns the fields of the API. Blank cells are omitted, except that blank `rights` are an empty list. The server
 * rejects fields that the kind does not have.
 */
function toFields(cells: ReadonlyMap<CsvColumn, string>): Record<string, unknown> {
  const get = (column: CsvColumn) => cells.get(column) || undefined;
  const listOf = (column: CsvColumn) => (get(column) === undefined ? undefined : toList(get(column) ?? ''));
  const active = get('active');
  const restrictions = readRestrictions(
    {
      address: listOf('addresses'),
      project: listOf('projects'),
      app: listOf('apps'),
      rate: get('rate'),
      maxUses: get('maxUses'),
    },
    { rate: 'rate', maxUses: 'maxUses' },
  );
  const fields = {
    kind: get('kind'),
    digest: get('digest'),
    name: get('name'),
    expiresAt: get('expiresAt'),
    description: get('description'),
    active: active === undefined ? undefined : parseActive(active),
    [get('kind') === 'api_key' ? 'permissions' : 'scopes']: toList(get('rights') ?? ''),
    ...restrictions,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readCsv(text: string): { line: number; fields: unknown }[] {
  const records = parseCsv(text);
  if ('malformedLine' in records) throw new Failure(`Line ${records.malformedLine}: not valid CSV.`);
  const [header, ...rows] = records;
  const columns = (header?.cells ?? []).map((title) => title.trim());
  const hasUnknownColumn = columns.some((title) => !(COLUMNS as readonly string[]).includes(title));
  if (header === undefined || hasUnknownColumn || new Set(columns).size < columns.length) {
    // Without a header, the first line may contain a digest or a secret, so it is not shown.
    throw new Failure(`The first line must name the columns, each once, from: ${COLUMNS.join(', ')}.`);
  }
  return rows.map(({ line, cells }) => {
    if (cells.length !== columns.length) throw new Failure(`Line ${line}: must have ${columns.length} cells.`);
    const byColumn = new Map(columns.map((title, index) => [title as CsvColumn, cells[index]?.trim() ?? '']));
    return { line, fields: withLineNumber(line, () => toFields(byColumn)) };
  });
}

function readNdjson(text: string): { line: number; fields: unknown }[] {
  return text.split('\n').flatMap((json, index) => {
    if (json.trim() === '') return [];
    try {
      return [{ line: index + 1, fields: JSON.parse(json) as unknown }];
    } catch {
      // The message of JSON.parse quotes the text.
      throw new Failure(`Line ${index + 1}: not valid JSON.`);
    }
  });
}

/**
 * Returns the credentials in a file. Fails for the first line that is malformed, lacks a valid digest, repeats the
 * digest of another line, or contains a secret, so that no secret is sent. Error messages contain no values of the
 * file.
 */
export function parseImport(text: string, format: 'csv' | 'ndjson'): ImportLine[] {
  const content = text.replace(/^\uFEFF/, '');
  const lines = format === 'csv' ? readCsv(content) : readNdjson(content);
  const lineByDigest = new Map<string, number>();
  for (const { line, fields } of lines) {
    const { digest } = (fields ?? {}) as { digest?: unknown };
    if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/i.test(digest)) {
      throw new Failure(
        `Line ${line}: digest must be the SHA-256 digest of the secret as 64 hexadecimal digits. Nothing was sent.`,
      );
    }
    if (containsSecret(JSON.stringify(fields))) {
      throw new Failure(`Line ${line}: contains a secret. Remove it; only its digest is imported. Nothing was sent.`);
    }
    const firstLine = lineByDigest.get(digest.toLowerCase());
    if (firstLine !== undefined) throw new Failure(`Line ${line}: has the same digest as line ${firstLine}.`);
    lineByDigest.set(digest.toLowerCase(), line);
  }
  return lines.map(({ line, fields }) => ({ line, credential: fields as ImportLine['credential'] }));
}

/** Describes those errors of the server that concern a line, with line numbers; null if there are none. Pure. */
export function describeLineErrors(
  errors: readonly { readonly field: string; readonly message: string }[],
  chunk: readonly ImportLine[],
): string | null {
  const descriptions = errors.flatMap(({ field, message }) => {
    const { index, name = '' } = /^credentials\.(?<index>\d+)(?:\.(?<name>.+))?$/.exec(field)?.groups ?? {};
    const line = chunk[Number(index)]?.line;
    return line === undefined ? [] : [`Line ${line}: ${sanitizeInline(`${name} ${message}`.trim())}.`];
  });
  return descriptions.length === 0 ? null : descriptions.join('\n');
}
