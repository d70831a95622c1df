const rules = new Intl.PluralRules('en');

/** Returns the form of a word for a number: `plural(2, { one: 'line', other: 'lines' })`. */
export const plural = (
  count: number,
  forms: { readonly other: string } & Partial<Record<Intl.LDMLPluralRule, string>>,
): string => forms[rules.select(count)] ?? forms.other;
