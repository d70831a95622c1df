import { buffer } from 'node:stream/consumers';
import { EXIT_CODES, Failure } from './failure.ts';

/** Whether somebody can be asked: questions go to standard error, so only that and the input matter. */
export const isInteractive = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Bytes as text, each of them; fails where they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Failure(`${name} is not valid UTF-8.`);
  }
}

/** All of standard input. */
export const readStdin = async (): Promise<string> => decodeUtf8(await buffer(process.stdin), 'Standard input');

async function promptHidden(noun: string): Promise<string> {
  const prompts = await import('@clack/prompts');
  const answer = await prompts.password({ message: `Enter the ${noun} (input is hidden)`, output: process.stderr });
  if (typeof answer === 'symbol') throw cancelledFailure();
  return answer ?? '';
}

/** All of standard input without the newline at its end, or what is typed unseen: how secrets come in. */
export async function readSecret(noun: string): Promise<string> {
  const secret = isInteractive() ? await promptHidden(noun) : (await readStdin()).replace(/\r?\n$/, '');
  if (secret === '') throw new Failure(`Standard input contains no ${noun}.`);
  return secret;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Milliseconds of `90s`-like text: minutes, hours, days, weeks, years; null if it is none. */
export function parseDuration(text: string): number | null {
  const parts = /^(\d{1,6})([mhdwy])$/.exec(text);
  return parts === null ? null : Number(parts[1]) * (UNIT_SECONDS[parts[2] ?? ''] ?? 0) * 1000;
}

/** Reads a span from now such as `30d`, or an instant; null if it is neither. */
function parseMoment(text: string, now: number): string | null {
  const durationMs = parseDuration(text);
  const timeMs = durationMs === null ? Date.parse(text) : now + durationMs;
  const isInstant = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text);
  return (durationMs === null && !isInstant) || Number.isNaN(timeMs) || timeMs > 8.64e15
    ? null
    : new Date(timeMs).toISOString();
}

const INSTANT_HINT = 'a date-time such as 2027-02-24T09:00:00Z';

/** Reads `--expires`: `30d` from now, `never` (null), or an instant. */
export function parseExpiry(text: string, now = Date.now()): string | null {
  if (text === 'never') return null;
  const instant = parseMoment(text, now);
  if (instant === null)
    throw new Failure(`--expires must be a duration such as 12h, 30d or 1y, never, or ${INSTANT_HINT}.`);
  return instant;
}

/** Reads an instant, or a span from now. */
export function parseInstant(name: string, text: string, now = Date.now()): string {
  const instant = parseMoment(text, now);
  if (instant === null) throw new Failure(`${name} must be a duration such as 30m or 12h, or ${INSTANT_HINT}.`);
  return instant;
}

/** Reads an instant, or how long ago it was. */
export function parsePastInstant(name: string, text: string | undefined, now = Date.now()): string | undefined {
  if (text === undefined) return undefined;
  const durationMs = parseDuration(text);
  return parseInstant(name, durationMs === null ? text : new Date(now - durationMs).toISOString());
}

/** A whole number of an option. */
export function parseCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Failure(`${name} must be a whole number.`);
  return Number(text);
}

/** Words that were given several times, or with commas between them. */
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

/** Asks before something can't be undone; without a terminal only `--yes` answers. */
export async function confirm(question: string, yes: true | undefined): Promise<void> {
  if (yes === true) return;
  if (!isInteractive()) throw new Failure(`${question} Without a terminal, --yes is required.`);
  const prompts = await import('@clack/prompts');
  const answer = await prompts.confirm({ message: question, initialValue: false, output: process.stderr });
  if (answer !== true) throw cancelledFailure();
}
