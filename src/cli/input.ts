import { buffer } from 'node:stream/consumers';
import { endOfDay, isCalendarDay, startOfDay, startOfNextDay } from '../contract/calendar-date.ts';
import { EXIT_CODES, Failure } from './failure.ts';

/** Returns whether the user can be prompted. Prompts go to standard error, so standard output may be redirected. */
export const isInteractive = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Decodes UTF-8. Throws `Failure` with the `name` of the source if the bytes are not valid. */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Failure(`${name} is not valid UTF-8.`);
  }
}

/** Reads all of standard input. */
export const readStdin = async (): Promise<string> => decodeUtf8(await buffer(process.stdin), 'Standard input');

async function promptHidden(noun: string): Promise<string> {
  const prompts = await import('@clack/prompts');
  const typed = await prompts.password({ message: `Enter the ${noun} (input is hidden)`, output: process.stderr });
  if (typeof typed === 'symbol') throw cancelledFailure();
  return typed ?? '';
}

/** Prompts for a secret without echo. Without a terminal, reads standard input, without its final newline. */
export async function readSecret(noun: string): Promise<string> {
  const secret = isInteractive() ? await promptHidden(noun) : (await readStdin()).replace(/\r?\n$/, '');
  if (secret === '') throw new Failure(`The ${noun} is empty. Enter it at the prompt, or pipe it to standard input.`);
  return secret;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Parses a duration such as `90m` or `30d` (units m, h, d, w, y) into milliseconds; null if it is malformed. */
export function parseDuration(text: string): number | null {
  const parts = /^(\d{1,6})([mhdwy])$/.exec(text);
  return parts === null ? null : Number(parts[1]) * (UNIT_SECONDS[parts[2] ?? ''] ?? 0) * 1000;
}

/** Latest time that `Date` can represent. */
const MAX_DATE_MS = 8.64e15;

/** Parses a date-time with a time zone into epoch milliseconds; null if it is malformed or its day does not exist. */
function parseDateTime(text: string): number | null {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)T.*(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  // `Date.parse` reads 30 February as 2 March.
  if (year === undefined || !isCalendarDay(Number(year), Number(month), Number(day))) return null;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/**
 * Parses a duration from now such as `30d`, a date-time, or a date, which `timeOfDate` converts to epoch milliseconds.
 * Returns a date-time in ISO 8601, or null if the text is none of these.
 */
function parseMoment(text: string, now: number, timeOfDate: (date: string) => number | null): string | null {
  const durationMs = parseDuration(text);
  const timeMs = timeOfDate(text) ?? (durationMs === null ? parseDateTime(text) : now + durationMs);
  return timeMs === null || timeMs > MAX_DATE_MS ? null : new Date(timeMs).toISOString();
}

const DATE_TIME_HINT = 'a date-time such as 2027-02-24T09:00:00Z';

/**
 * Parses `--expires`: a duration from now, a date-time, a date (meaning the end of that day in the local time zone), or
 * `never` (null).
 */
export function parseExpiry(text: string, now = Date.now()): string | null {
  if (text === 'never') return null;
  const instant = parseMoment(text, now, endOfDay);
  if (instant === null)
    throw new Failure(
      `--expires must be a duration such as 12h, 30d or 1y, a date such as 2027-02-24, never, or ${DATE_TIME_HINT}.`,
    );
  return instant;
}

/** Parses a duration from now, a date-time, or a date, which by default means its start in the local time zone. */
export function parseInstant(name: string, text: string, now = Date.now(), timeOfDate = startOfDay): string {
  const instant = parseMoment(text, now, timeOfDate);
  if (instant === null)
    throw new Failure(
      `${name} must be a duration such as 30m or 12h, a date such as 2027-02-24, or ${DATE_TIME_HINT}.`,
    );
  return instant;
}

/** Options with the start and the exclusive end of a period. */
export interface PeriodOptions {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Parses a period. Its start and end are each a date-time, a duration before now, or a date, which is included. */
export function parsePeriod({ from, to }: PeriodOptions, now = Date.now()) {
  const parse = (name: string, text: string | undefined, timeOfDate: (date: string) => number | null) => {
    if (text === undefined) return undefined;
    const durationMs = parseDuration(text);
    return parseInstant(name, durationMs === null ? text : new Date(now - durationMs).toISOString(), now, timeOfDate);
  };
  return { from: parse('--from', from, startOfDay), to: parse('--to', to, startOfNextDay) };
}

/** Parses an option that must be a whole number. Returns undefined for an option that is not set. */
export function parseCount(name: string, text: string): number;
export function parseCount(name: string, text: string | undefined): number | undefined;
export function parseCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Failure(`${name} must be a whole number.`);
  return Number(text);
}

/** Returns the text, typed as one of the choices. Throws `Failure` if it is none of them. */
export function parseChoice<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new Failure(`${name} must be one of: ${choices.join(', ')}.`);
  return choice;
}

/** Parses an option that is on or off. */
export function parseOnOff(name: string, text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new Failure(`${name} must be on or off.`);
  return text === 'on';
}

/** Collects the values of an option that can be repeated, and whose values can be separated by commas. */
export const parseList = (text: string, previous: readonly string[] = []) => [
  ...previous,
  ...text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== ''),
];

export function cancelledFailure(): Failure {
  return new Failure('Cancelled; nothing was changed.', EXIT_CODES.cancelled);
}

/** Asks the user to confirm an action, unless `--yes` is set. Without a terminal, `--yes` is required. */
export async function confirm(question: string, yes: true | undefined): Promise<void> {
  if (yes === true) return;
  if (!isInteractive()) throw new Failure(`${question} Without a terminal, --yes is required.`);
  const prompts = await import('@clack/prompts');
  const isConfirmed = await prompts.confirm({ message: question, initialValue: false, output: process.stderr });
  if (isConfirmed !== true) throw cancelledFailure();
}
