import { buffer } from 'node:stream/consumers';
import { EXIT, Failure } from './failure.ts';

/** Whether somebody can be asked: questions go to standard error, so only that and the input matter. */
export const isInteractive = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Bytes as text, each of them; fails where they are no UTF-8. */
export function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Failure(`${name} is not UTF-8.`);
  }
}

/** All of standard input. */
export const readInput = async (): Promise<string> => decode(await buffer(process.stdin), 'Standard input');

async function typeUnseen(what: string): Promise<string> {
  const prompts = await import('@clack/prompts');
  const answer = await prompts.password({ message: `The ${what}, typed or pasted unseen`, output: process.stderr });
  if (typeof answer === 'symbol') throw cancelled();
  return answer ?? '';
}

/** All of standard input without the newline at its end, or what is typed unseen: how secrets come in. */
export async function readSecretInput(what: string): Promise<string> {
  const secret = isInteractive() ? await typeUnseen(what) : (await readInput()).replace(/\r?\n$/, '');
  if (secret === '') throw new Failure(`Standard input holds no ${what}.`);
  return secret;
}

const SPANS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Milliseconds of `90s`-like text: minutes, hours, days, weeks, years; null if it is none. */
export function readSpan(text: string): number | null {
  const parts = /^(\d{1,6})([mhdwy])$/.exec(text);
  return parts === null ? null : Number(parts[1]) * (SPANS[parts[2] ?? ''] ?? 0) * 1000;
}

/** Reads a span from now such as `30d`, or an instant; null if it is neither. */
function readMoment(text: string, now: number): string | null {
  const span = readSpan(text);
  const at = span === null ? Date.parse(text) : now + span;
  const isInstant = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text);
  return (span === null && !isInstant) || Number.isNaN(at) || at > 8.64e15 ? null : new Date(at).toISOString();
}

const INSTANT = 'an instant such as 2027-02-24T09:00:00Z';

/** Reads `--expires`: `30d` from now, `never` (null), or an instant. */
export function readExpiry(text: string, now = Date.now()): string | null {
  if (text === 'never') return null;
  const at = readMoment(text, now);
  if (at === null) throw new Failure(`--expires takes a duration such as 12h, 30d or 1y, never, or ${INSTANT}.`);
  return at;
}

/** Reads an instant, or a span from now. */
export function readInstant(name: string, text: string, now = Date.now()): string {
  const at = readMoment(text, now);
  if (at === null) throw new Failure(`${name} takes a duration such as 30m or 12h, or ${INSTANT}.`);
  return at;
}

/** Reads an instant, or how long ago it was. */
export function readPast(name: string, text: string | undefined, now = Date.now()): string | undefined {
  if (text === undefined) return undefined;
  const span = readSpan(text);
  return readInstant(name, span === null ? text : new Date(now - span).toISOString());
}

/** A whole number of an option. */
export function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Failure(`${name} takes a whole number.`);
  return Number(text);
}

/** Words that were given several times, or with commas between them. */
export const readWords = (text: string, before: readonly string[] = []) => [
  ...before,
  ...text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== ''),
];

export function cancelled(): Failure {
  return new Failure('Cancelled; nothing was changed.', EXIT.cancelled);
}

/** Asks before something can't be undone; without a terminal only `--yes` answers. */
export async function confirm(question: string, yes: true | undefined): Promise<void> {
  if (yes === true) return;
  if (!isInteractive()) throw new Failure(`${question} Without a terminal this needs --yes.`);
  const prompts = await import('@clack/prompts');
  const answer = await prompts.confirm({ message: question, initialValue: false, output: process.stderr });
  if (answer !== true) throw cancelled();
}
