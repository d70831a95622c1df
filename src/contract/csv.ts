/**
 * Returns a cell of a CSV file (RFC 4180). Text that a spreadsheet would run as a formula is prefixed with an
 * apostrophe (CWE-1236). Some spreadsheets also accept the full-width forms of the characters.
 */
export function csvCell(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvRow(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

export interface CsvRecord {
  /** The line on which the record begins; the first line is 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Parses a CSV file (RFC 4180) and skips blank lines. If a line is malformed, returns its number instead. */
export function parseCsv(text: string): readonly CsvRecord[] | { readonly malformedLine: number } {
  const records: CsvRecord[] = [];
  const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let cells: string[] = [];
  let line = 1;
  let firstLine = 1;
  while (cell.lastIndex < text.length || cells.length > 0) {
    const [match, quoted, unquoted = '', separator] = cell.exec(text) ?? [];
    if (match === undefined) return { malformedLine: line };
    cells.push(quoted?.replaceAll('""', '"') ?? unquoted);
    line += match.split('\n').length - 1;
    if (separator === ',') continue;
    if (cells.length > 1 || cells[0] !== '') records.push({ line: firstLine, cells });
    cells = [];
    firstLine = line;
  }
  return records;
}
