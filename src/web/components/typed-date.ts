import { isCalendarDay } from '../../contract/calendar-date.ts';
import { strings } from './strings.ts';

/** Returns the start of a day such as `2027-02-24` in the browser's time zone. */
export const startOfDay = (date: string): Date => new Date(`${date}T00:00`);

/** A typed date as `YYYY-MM-DD`, or the message that explains why the text was rejected. */
export type TypedDate = { readonly date: string } | { readonly error: string };

const NOT_A_DATE: TypedDate = { error: strings.typedDate.notADate };
const NO_YEAR: TypedDate = { error: strings.typedDate.noYear };

const ENGLISH_LOCALES = ['en-US', 'en-GB'];
/** English words within a date, besides the names of the months. */
const ENGLISH_FILLERS = ['st', 'nd', 'rd', 'th', 'of'];
const MONTHS = 12;

/** How dates are written in a language. */
interface DateLanguage {
  /** The digits 0 to 9. */
  readonly digits: readonly string[];
  /** The months (1 to 12) that a name or an abbreviation can mean. */
  readonly months: ReadonlyMap<string, ReadonlySet<number>>;
  readonly fillers: ReadonlySet<string>;
  /**
   * The meaning of the first number in a date such as 1/2/2027: `either` if it is unknown, `another calendar` if the
   * language does not use the Gregorian calendar.
   */
  readonly leadingPart: 'day' | 'month' | 'either' | 'another calendar';
}

const englishMonthFormat = new Intl.DateTimeFormat('en-GB', { month: 'long', timeZone: 'UTC' });
const englishMonth = (month: number): string => englishMonthFormat.format(Date.UTC(2027, month - 1, 1));

/** Returns the text in lower case, without accents and invisible characters. */
const simplify = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]|\p{Cf}/gu, '')
    .toLowerCase();

const getWords = (text: string): string[] => simplify(text).match(/[\p{L}\p{M}]+/gu) ?? [];

const MONTH_FORMATS: readonly Intl.DateTimeFormatOptions[] = [
  { month: 'long' },
  { month: 'short' },
  // Some languages inflect the month next to a day.
  { month: 'long', day: 'numeric', year: 'numeric' },
  { month: 'short', day: 'numeric', year: 'numeric' },
];

/** Formats one date per month with each of `MONTH_FORMATS`, and returns the parts of all formatted dates. */
function formatMonths(locale: string): (Intl.DateTimeFormatPart & { readonly month: number })[] {
  return MONTH_FORMATS.flatMap((options) => {
    const format = new Intl.DateTimeFormat(locale, { ...options, calendar: 'gregory', timeZone: 'UTC' });
    return Array.from({ length: MONTHS }, (_, index) =>
      format.formatToParts(Date.UTC(2027, index, 20)).map((part) => ({ ...part, month: index + 1 })),
    ).flat();
  });
}

/** Returns the names of the months in these languages, and the other words in their dates. */
function collectWords(locales: readonly string[]): Pick<DateLanguage, 'months' | 'fillers'> {
  const months = new Map<string, Set<number>>();
  const fillers = new Set<string>();
  for (const { type, value, month } of locales.flatMap(formatMonths)) {
    if (type !== 'month' && type !== 'literal') continue;
    const words = getWords(value);
    const [name] = words;
    if (type === 'month' && name !== undefined && words.length === 1 && !/\p{Nd}/u.test(value)) {
      months.set(name, (months.get(name) ?? new Set()).add(month));
    } else {
      for (const word of words) fillers.add(word);
    }
  }
  return { months, fillers };
}

function detectLeadingPart(locale: string): DateLanguage['leadingPart'] {
  // English without a region does not determine the order.
  const { language, region } = new Intl.Locale(locale);
  if (language === 'en' && region === undefined) return 'either';
  const format = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'numeric', year: 'numeric' });
  if (format.resolvedOptions().calendar !== 'gregory') return 'another calendar';
  const order = format.formatToParts(0).flatMap(({ type }) => (type === 'literal' ? [] : [type]));
  if (order.at(-1) !== 'year') return 'either';
  return order[0] === 'day' ? 'day' : 'month';
}

function createDateLanguage(locale: string): DateLanguage {
  try {
    // The formatted number consists of all ten digits, from 9 to 0.
    const digits = [...new Intl.NumberFormat(locale, { useGrouping: false }).format(9_876_543_210)].reverse();
    const leadingPart = detectLeadingPart(locale);
    return { digits, ...collectWords(leadingPart === 'another calendar' ? [] : [locale]), leadingPart };
  } catch {
    // The browser's language is not a valid language tag.
    return { digits: [], ...collectWords([]), leadingPart: 'either' };
  }
}

const ENGLISH_WORDS = collectWords(ENGLISH_LOCALES);
const languages = new Map<string, DateLanguage>();

function getDateLanguage(locale: string): DateLanguage {
  const language = languages.get(locale) ?? createDateLanguage(locale);
  languages.set(locale, language);
  return language;
}

/** Returns the months whose names begin with a word; none if the word has fewer than three letters. */
const monthsByPrefix = (months: DateLanguage['months'], word: string): number[] =>
  word.length < 3 ? [] : [...months].flatMap(([name, numbers]) => (name.startsWith(word) ? [...numbers] : []));

/** Returns the month that a word names in the language or in English; null if there is none or more than one. */
function findMonth(word: string, { months }: DateLanguage): number | null {
  const exact = months.get(word);
  const matchingMonths = new Set(
    exact ?? [
      ...monthsByPrefix(months, word),
      ...(ENGLISH_WORDS.months.get(word) ?? monthsByPrefix(ENGLISH_WORDS.months, word)),
    ],
  );
  const [month] = matchingMonths;
  return matchingMonths.size === 1 && month !== undefined ? month : null;
}

const pad = (value: number, length: number): string => String(value).padStart(length, '0');

function toDate(year: number, month: number, day: number): TypedDate {
  if (month < 1 || month > MONTHS || day < 1) return NOT_A_DATE;
  if (!isCalendarDay(year, month, day)) return { error: strings.typedDate.noSuchDate(day, englishMonth(month), year) };
  return { date: `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}` };
}

/** Converts a date whose month is a word; `numbers` contains the other parts. */
function toDateOfNamedMonth(month: number, numbers: readonly string[]): TypedDate {
  const [year] = numbers.filter((number) => number.length === 4).map(Number);
  const [day] = numbers.filter((number) => number.length <= 2).map(Number);
  if (day === undefined || numbers.length > 2) return NOT_A_DATE;
  if (year !== undefined) return toDate(year, month, day);
  // A day that does not exist in a leap year does not exist in any year.
  const existsInLeapYear = day === 0 || isCalendarDay(2028, month, day);
  return existsInLeapYear ? NO_YEAR : { error: strings.typedDate.noSuchDay(day, englishMonth(month)) };
}

/** Converts a date that consists of numbers only. */
function toDateOfNumbers(numbers: readonly string[], leadingPart: DateLanguage['leadingPart']): TypedDate {
  if (numbers.length > 3) return NOT_A_DATE;
  if (numbers.every((number) => number.length < 4)) return NO_YEAR;
  const [first = 0, second = 0, third = 0] = numbers.map(Number);
  // For example, the pattern of 24.02.2027 is `short-short-4`.
  const pattern = numbers.map(({ length }) => (length <= 2 ? 'short' : length)).join('-');
  if (pattern === '4-short-short') return toDate(first, second, third);
  if (pattern !== 'short-short-4') return NOT_A_DATE;
  if (leadingPart === 'another calendar') return NOT_A_DATE;
  const isDayFirst = first > MONTHS || (leadingPart === 'day' && second <= MONTHS) || first === second;
  if (isDayFirst) return toDate(third, second, first);
  if (second > MONTHS || leadingPart === 'month') return toDate(third, first, second);
  return { error: strings.typedDate.ambiguous(first, englishMonth(second), second, englishMonth(first)) };
}

/**
 * Parses a date as people type it: with the month as a word in English or in the language of `locale`, with the year
 * first, or as three numbers in the usual order of that language. Rejects an ambiguous date and a date without a
 * four-digit year.
 */
export function parseTypedDate(text: string, locale: string): TypedDate {
  const language = getDateLanguage(locale);
  if (text.trim() === '') return { error: strings.typedDate.chooseADate };
  const plain = [...simplify(text)]
    .map((character) => {
      const digit = language.digits.indexOf(character);
      return digit < 0 ? character : String(digit);
    })
    .join('');
  if (/[^\p{L}\p{M}\d\s.,/\\'’º–—-]/u.test(plain)) return NOT_A_DATE;
  const numbers = plain.match(/\d+/g) ?? [];
  const months: number[] = [];
  for (const word of plain.match(/[\p{L}\p{M}]+/gu) ?? []) {
    const month = findMonth(word, language);
    if (month !== null) months.push(month);
    else if (!language.fillers.has(word) && !ENGLISH_FILLERS.includes(word)) return NOT_A_DATE;
  }
  const [month, ...extraMonths] = months;
  if (extraMonths.length > 0 || numbers.length === 0 || numbers.some(({ length }) => length > 4)) return NOT_A_DATE;
  if (month !== undefined) return toDateOfNamedMonth(month, numbers);
  // Languages with the month first do not use dots, so the order of a date with dots is unknown.
  return toDateOfNumbers(
    numbers,
    language.leadingPart === 'month' && plain.includes('.') ? 'either' : language.leadingPart,
  );
}
