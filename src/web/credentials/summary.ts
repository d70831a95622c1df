import { formatDate } from '../components/format.ts';
import { formatList } from '../components/sentence.ts';
import { strings } from './form-strings.ts';
import type { Right } from './kinds.ts';

const texts = strings.summary;
const RIGHT_PHRASES: Readonly<Record<Right, string>> = texts.rightPhrases;

/** `missing`: the policy requires a passphrase that is not entered yet. */
export type PassphraseState = 'none' | 'set' | 'missing';

interface SummaryInput {
  readonly rights: readonly Right[];
  readonly rightNoun: string;
  /** Null for never, undefined for a date that is missing or invalid. */
  readonly expiresAt: string | null | undefined;
  readonly passphrase?: PassphraseState;
  /** The restrictions of the credential in words. */
  readonly restrictions?: readonly string[];
  readonly active?: boolean;
  readonly guard?: boolean;
  readonly now: number;
}

/** Returns "24 Feb 2027", or "the end of 24 Feb 2027" for the last millisecond of that day. */
function describeExpiry(expiresAt: string): string {
  const nextMs = Date.parse(expiresAt) + 1;
  const isEndOfDay = new Date(nextMs).setHours(0, 0, 0, 0) === nextMs;
  const date = formatDate(expiresAt);
  return isEndOfDay ? texts.endOfDay(date) : date;
}

/** Returns a summary such as "Can deploy and read analytics until 24 Feb 2027; passphrase required." */
export function summarize(input: SummaryInput): string {
  const { rights, rightNoun, expiresAt, passphrase = 'none', restrictions = [], active = true } = input;
  const { guard = false, now } = input;
  if (rights.length === 0) return texts.noAccess(rightNoun);
  const phrases = rights.includes('all') ? [RIGHT_PHRASES.all] : rights.map((right) => RIGHT_PHRASES[right]);
  const abilities = texts.abilities(formatList(phrases));
  if (expiresAt === undefined) return texts.dateMissing(abilities);
  if (expiresAt !== null && Date.parse(expiresAt) <= now) return texts.expired(formatDate(expiresAt));
  const notes = [
    passphrase === 'set' && texts.passphraseRequired,
    passphrase === 'missing' && texts.passphraseMissing,
    ...restrictions,
    guard && (rights.includes('read') ? texts.guardsAllowed : texts.guardsNeedRead),
    !active && texts.inactive,
  ].filter((note) => note !== false);
  return texts.withNotes(
    expiresAt === null ? texts.neverExpires(abilities) : texts.until(abilities, describeExpiry(expiresAt)),
    notes,
  );
}
