import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTypedDate } from './typed-date.ts';

const DAY_MS = 86_400_000;
/** Every eleventh day of a year: all months, days that could be a month (up to 12), and days that could not. */
const DAYS = Array.from({ length: 34 }, (_, index) => new Date(Date.UTC(2027, 0, 1, 12) + index * 11 * DAY_MS));
const LOCALES = `en-US en-GB en-CA en-AU de-DE de-AT fr-FR fr-CA es-ES es-MX it-IT pt-BR pt-PT nl-NL sv-SE da-DK nb-NO
  fi-FI pl-PL cs-CZ hu-HU ro-RO bg-BG hr-HR lt-LT lv-LV et-EE el-GR tr-TR ru-RU uk-UA ja-JP ko-KR zh-CN zh-TW vi-VN
  th-TH id-ID hi-IN bn-BD ta-IN fa-IR ar-EG ar-SA he-IL ca-ES eu-ES ga-IE kk-KZ my-MM mn-MN fil-PH`.split(/\s+/);
const FORMATS: readonly Intl.DateTimeFormatOptions[] = [
  { dateStyle: 'long' },
  { dateStyle: 'medium' },
  { dateStyle: 'short' },
  { day: 'numeric', month: 'numeric', year: 'numeric' },
  { day: '2-digit', month: '2-digit', year: 'numeric' },
];

/** Returns the date, or the error message. */
function parse(text: string, locale: string): string {
  const result = parseTypedDate(text, locale);
  return 'date' in result ? result.date : result.error;
}

describe('A typed date', () => {
  test("is parsed in the order of the browser's language", () => {
    for (const [locale, text, expected] of [
      ['de-DE', '03.04.2027', '2027-04-03'],
      ['de-DE', '3.4.2027', '2027-04-03'],
      ['de-DE', '03/04/2027', '2027-04-03'],
      ['en-GB', '03/04/2027', '2027-04-03'],
      ['nl-NL', '3-4-2027', '2027-04-03'],
      ['en-US', '03/04/2027', '2027-03-04'],
      ['en-US', '3-4-2027', '2027-03-04'],
      ['fil-PH', '3/4/2027', '2027-03-04'],
      ['ar-EG', '٠٣/٠٤/٢٠٢٧', '2027-04-03'],
      ['ja-JP', '2027/03/04', '2027-03-04'],
      ['ja-JP', '２０２７年３月４日', '2027-03-04'],
      ['ko-KR', '2027. 3. 4.', '2027-03-04'],
    ] as const) {
      assert.equal(parse(text, locale), expected, `${text} in ${locale}`);
    }
  });

  test('is rejected if its order or its month is ambiguous', () => {
    for (const [locale, text] of [
      ['en-US', '03.04.2027'],
      ['en', '03/04/2027'],
      ['sv-SE', '03/04/2027'],
      ['ja-JP', '3/4/2027'],
      ['not a language', '03/04/2027'],
    ] as const) {
      assert.match(parse(text, locale), /^This could be 3 April or 4 March\. Enter the month as a word/, locale);
    }
    // `mar` means March in English and November (marraskuu) in Finnish.
    assert.match(parse('24 mar 2027', 'fi-FI'), /^This is not a date/);
  });

  test('is parsed in any language if only one order is possible', () => {
    for (const locale of ['en-US', 'en', 'de-DE', 'sv-SE', 'not a language']) {
      assert.equal(parse('24.02.2027', locale), '2027-02-24', locale);
      assert.equal(parse('02/24/2027', locale), '2027-02-24', locale);
      assert.equal(parse('05.05.2027', locale), '2027-05-05', locale);
      assert.equal(parse('2027-03-04', locale), '2027-03-04', locale);
      assert.equal(parse('24 Feb 2027', locale), '2027-02-24', locale);
      assert.equal(parse('February 24th, 2027', locale), '2027-02-24', locale);
    }
  });

  test("can contain the month as a word in the browser's language", () => {
    for (const [locale, text] of [
      ['de-DE', '24. Februar 2027'],
      ['fr-FR', '24 février 2027'],
      ['fr-FR', '24 FEVRIER 2027'],
      ['es-ES', '24 de febrero de 2027'],
      ['pl-PL', '24 lutego 2027'],
      ['ru-RU', '24 февраля 2027 г.'],
      ['vi-VN', '24 tháng 2, 2027'],
    ] as const) {
      assert.equal(parse(text, locale), '2027-02-24', text);
    }
    assert.equal(parse('24 listopada 2027', 'pl-PL'), '2027-11-24');
    assert.equal(parse('24. listopada 2027.', 'hr-HR'), '2027-10-24');
  });

  test('is rejected if it does not exist', () => {
    for (const [text, message] of [
      ['30 Feb 2027', 'There is no 30 February 2027.'],
      ['30 Feb', 'There is no 30 February.'],
      ['29/02/2027', 'There is no 29 February 2027.'],
      ['2027-02-30', 'There is no 30 February 2027.'],
      ['31.04.2027', 'There is no 31 April 2027.'],
    ] as const) {
      assert.equal(parse(text, 'de-DE'), message);
    }
    assert.equal(parse('29 Feb 2028', 'de-DE'), '2028-02-29');
  });

  test('must consist of a day, a month and a four-digit year', () => {
    for (const text of ['24 Feb', '24 Feb 27', '24 Feb 202', '24.02.27', '24.02.202', '24.02.', '1/2']) {
      assert.equal(parse(text, 'de-DE'), 'Enter the year with four digits, as in 24 Feb 2027.', text);
    }
    for (const text of [
      '2027',
      'Feb 2027',
      'soon',
      '13.13.2027',
      '00.01.2027',
      '2027-13-01',
      '24 Feb 2027 9 Mar 2027',
      '24 Feb 2027 09:00',
      '24+02+2027',
      '2402 2027',
      '24 Feb 20270',
      'Fe 24 2027',
    ]) {
      assert.match(parse(text, 'de-DE'), /^This is not a date\. Enter one such as 24 Feb 2027 or 2027-02-24\.$/, text);
    }
    assert.equal(parse(' ', 'de-DE'), 'Choose a date');
  });

  test('in another calendar is rejected if the year does not come first', () => {
    for (const [locale, text] of [
      ['th-TH', '24/02/2570'],
      ['th-TH', '24 กุมภาพันธ์ 2570'],
      ['fa-IR', '۵ اسفند ۱۴۰۵'],
    ] as const) {
      assert.match(parse(text, locale), /^This is not a date/, text);
    }
  });

  test('in any format of the browser is parsed as the date that it shows, or rejected', () => {
    for (const locale of LOCALES) {
      for (const options of FORMATS) {
        const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
        for (const day of DAYS) {
          const result = parseTypedDate(format.format(day), locale);
          // Years of the Persian calendar, such as 1405, are parsed as past years, which the form rejects.
          if ('date' in result && result.date > '1970') {
            assert.equal(result.date, day.toISOString().slice(0, 10), `${format.format(day)} in ${locale}`);
          }
        }
      }
    }
  });

  test("in the browser's long format is parsed in most languages", () => {
    for (const locale of LOCALES.filter((candidate) => !/^(?:th|fa|he|eu|ga|mn)-/.test(candidate))) {
      const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
      for (const day of DAYS) {
        assert.equal(
          parse(format.format(day), locale),
          day.toISOString().slice(0, 10),
          `${format.format(day)}, ${locale}`,
        );
      }
    }
  });
});
