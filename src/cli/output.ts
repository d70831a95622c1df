import { styleText } from 'node:util';
import { harmless, harmlessJson, harmlessLines } from './harmless.ts';

export interface OutputOptions {
  readonly json?: true;
  readonly quiet?: true;
}

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string | number | null;
}

const isTerminal = () => process.stdout.isTTY === true;

/** What is beside the answer: on standard error, and not with `--quiet`. */
export function note(text: string, options: OutputOptions = {}): void {
  if (options.quiet !== true) process.stderr.write(`${harmlessLines(text)}\n`);
}

export function dim(text: string): string {
  return isTerminal() ? styleText('dim', text, { stream: process.stdout }) : text;
}

/** Text of others in one line: its control characters would move the cursor of a terminal or worse. */
export const plain = (text: string): string => harmless(text.replace(/[\t\n\r]/g, '\ufffd'));

/** Writes all of it, however slowly it is taken; nothing is lost at the end of the process. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

export function printJson(value: unknown): Promise<void> {
  return print(`${harmlessJson(JSON.stringify(value, null, 2))}\n`);
}

/** Columns that a character takes on a terminal: two for those of East Asian width and pictures. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}

function table(rows: readonly (readonly string[])[], titles: readonly string[]): string {
  const widths = titles.map((title, at) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[at] ?? ''))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd();
  return [dim(line(titles)), ...rows.map(line)].map((text) => `${text}\n`).join('');
}

/**
 * Prints a list: with `--json` the API's own objects, with `--quiet` ids alone, on a terminal a table,
 * and otherwise columns with tabs between them and no titles. What has no `id` is told what stands for it.
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
  if (options.quiet === true) return print(rows.map((row) => `${plain(idOf(row))}\n`).join(''));
  const cells = rows.map((row) => columns.map(({ of }) => plain(String(of(row) ?? '–'))));
  if (!isTerminal()) return print(cells.map((row) => `${row.join('\t')}\n`).join(''));
  return rows.length === 0
    ? note('None.')
    : print(
        table(
          cells,
          columns.map(({ title }) => title),
        ),
      );
}

/** Prints one thing: JSON, its id alone, or a line a fact. */
export async function printOne<Row extends { readonly id: string }>(
  row: Row,
  facts: readonly Column<Row>[],
  options: OutputOptions,
): Promise<void> {
  if (options.json === true) return printJson(row);
  if (options.quiet === true) return print(`${row.id}\n`);
  const width = Math.max(...facts.map(({ title }) => title.length));
  return print(
    facts.map(({ title, of }) => `${dim(title.padEnd(width))}  ${plain(String(of(row) ?? '–'))}\n`).join(''),
  );
}

const SPANS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** An instant for reading: how far away on a terminal, the instant itself elsewhere. */
export function showInstant(instant: string | null, none: string, now = Date.now()): string {
  if (instant === null) return none;
  if (!isTerminal()) return instant;
  const away = Date.parse(instant) - now;
  const [unit, span] = SPANS.find(([, one]) => Math.abs(away) >= one) ?? ['second', 1000];
  return new Intl.RelativeTimeFormat('en').format(Math.round(away / span), unit);
}

/** The first of a list, read no further than that. */
export async function taken<One>(all: AsyncIterable<One>, most: number): Promise<One[]> {
  const list: One[] = [];
  if (most === 0) return list;
  for await (const one of all) if (list.push(one) >= most) break;
  return list;
}
