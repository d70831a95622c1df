import { styleText } from 'node:util';
import type { AuditEvent } from '../contract/audit-events.ts';
import { sanitizeJson, sanitizeLine, sanitizeText } from './sanitize.ts';

export interface OutputOptions {
  readonly json?: true | undefined;
  readonly quiet?: true | undefined;
}

export interface Column<Row> {
  readonly title: string;
  readonly getValue: (row: Row) => string | number | null;
}

const isTerminal = () => process.stdout.isTTY === true;

/** Prints a message to standard error, unless `--quiet` is set. */
export function printNote(text: string, options: OutputOptions = {}): void {
  if (options.quiet !== true) process.stderr.write(`${sanitizeText(text)}\n`);
}

export function dim(text: string): string {
  return isTerminal() ? styleText('dim', text, { stream: process.stdout }) : text;
}

/** Sanitizes untrusted text for one line of output, because control characters could manipulate the terminal. */
export const sanitizeInline = (text: string): string => sanitizeLine(text.replace(/[\t\n\r]/g, '\ufffd'));

/** Returns the name of a person, credential or resource in an audit event, otherwise its ID or kind. */
export const partyName = ({ name, id, kind }: AuditEvent['actor']): string => name ?? id ?? kind;

/** Prints text and waits until it is written, so that nothing is lost when the process exits. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

export const sanitizedJson = (value: unknown): string => sanitizeJson(JSON.stringify(value, null, 2));

export function printJson(value: unknown): Promise<void> {
  return print(`${sanitizedJson(value)}\n`);
}

const COMBINING_MARK = /\p{M}/u;
/** East Asian wide characters and emoji, which occupy two columns each. */
const WIDE_CHARACTER =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/** Returns the number of terminal columns of a text. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (COMBINING_MARK.test(character)) continue;
    width += WIDE_CHARACTER.test(character) ? 2 : 1;
  }
  return width;
}

function formatTable(rows: readonly (readonly string[])[], titles: readonly string[]): string {
  const widths = titles.map((title, columnIndex) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[columnIndex] ?? ''))),
  );
  const formatRow = (cells: readonly string[]) =>
    cells
      .map((cell, columnIndex) => cell + ' '.repeat((widths[columnIndex] ?? 0) - displayWidth(cell)))
      .join('  ')
      .trimEnd();
  return [dim(formatRow(titles)), ...rows.map(formatRow)].map((text) => `${text}\n`).join('');
}

/**
 * Prints a list: objects of the API with `--json`, only IDs with `--quiet`, a table on a terminal, and otherwise
 * columns separated by tabs, without titles. For rows without an `id`, the caller passes what `--quiet` prints.
 */
export function printList<Row extends { readonly id: string }>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: OutputOptions,
): Promise<void>;
export function printList<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: OutputOptions,
  idOf: (row: Row) => string,
): Promise<void>;
export async function printList<Row extends { readonly id?: string }>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: OutputOptions,
  idOf = ({ id }: Row) => id ?? '',
): Promise<void> {
  if (options.json === true) return printJson(rows);
  if (options.quiet === true) return print(rows.map((row) => `${sanitizeInline(idOf(row))}\n`).join(''));
  const cells = rows.map((row) => columns.map(({ getValue }) => sanitizeInline(String(getValue(row) ?? '–'))));
  if (!isTerminal()) return print(cells.map((row) => `${row.join('\t')}\n`).join(''));
  if (rows.length === 0) return printNote('No results.');
  const titles = columns.map(({ title }) => title);
  return print(formatTable(cells, titles));
}

/** Returns a count with its noun, such as `1 file` or `2 files`. */
export const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Formats an object as one line per field. */
export function formatDetails<Row>(row: Row, fields: readonly Column<Row>[]): string {
  const width = Math.max(...fields.map(({ title }) => title.length));
  return fields
    .map(({ title, getValue }) => `${dim(title.padEnd(width))}  ${sanitizeInline(String(getValue(row) ?? '–'))}\n`)
    .join('');
}

/** Prints one object: all of it with `--json`, only its ID with `--quiet`, and otherwise one line per field. */
export async function printDetails<Row extends { readonly id: string }>(
  row: Row,
  fields: readonly Column<Row>[],
  options: OutputOptions,
): Promise<void> {
  if (options.json === true) return printJson(row);
  if (options.quiet === true) return print(`${row.id}\n`);
  return print(formatDetails(row, fields));
}

const RELATIVE_TIME_UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** Formats a date-time: relative on a terminal, ISO 8601 otherwise. Returns `fallback` for null. */
export function formatInstant(instant: string | null, fallback: string, now = Date.now()): string {
  if (instant === null) return fallback;
  if (!isTerminal()) return instant;
  const offsetMs = Date.parse(instant) - now;
  const [unit, unitMs] = RELATIVE_TIME_UNITS.find(([, thresholdMs]) => Math.abs(offsetMs) >= thresholdMs) ?? [
    'second',
    1000,
  ];
  return new Intl.RelativeTimeFormat('en').format(Math.round(offsetMs / unitMs), unit);
}

/** Returns the first `limit` items of an async iterable, and closes the iterable. */
export async function takeFirst<Item>(source: AsyncIterable<Item>, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  if (limit === 0) return items;
  for await (const item of source) if (items.push(item) >= limit) break;
  return items;
}
