import { sanitizeLine } from './sanitize.ts';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};

interface LogEntry {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
  readonly [field: string]: unknown;
}

/** Formats one JSON line of the server's log for a terminal: level, message, error, other fields. */
export function formatLogLine(json: string): string {
  const { level, time: _, msg = '', err, ...fields } = JSON.parse(json) as LogEntry;
  const cause = err?.message === undefined ? '' : `: ${err.message}`;
  const formattedFields = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return sanitizeLine(`${LEVELS[level] ?? level}: ${msg}${cause}${formattedFields.join('')}`.replaceAll('\n', ' '));
}
