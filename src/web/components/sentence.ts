import { createElement, Fragment, type ReactNode } from 'react';

/** Letters of the most common scripts that are written from right to left. */
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_DIRECTIONAL_ISOLATE = '\u2069';

/**
 * Prepares a name for use within a longer text. A name with right-to-left letters is isolated (Unicode UAX #9), so that
 * it does not change the order of the words around it. If a name has its own element, use `<bdi>` instead.
 */
export const isolate = (name: string): string =>
  RIGHT_TO_LEFT.test(name) ? `${FIRST_STRONG_ISOLATE}${name}${POP_DIRECTIONAL_ISOLATE}` : name;

const listFormat = new Intl.ListFormat('en', { style: 'long', type: 'conjunction' });

/** Joins names or phrases: "Shop, Blog, and Wiki". Each is isolated if necessary. */
export const formatList = (items: readonly string[]): string => listFormat.format(items.map(isolate));

/** A text that contains names: phrase`App ${name} saved`. */
export const phrase = (texts: TemplateStringsArray, ...values: readonly (string | number)[]): string =>
  String.raw({ raw: texts }, ...values.map((value) => isolate(String(value))));

/** A sentence that contains elements: sentence`Type ${name} to confirm`. Elements are isolated, strings are not. */
export const sentence = (texts: TemplateStringsArray, ...elements: readonly ReactNode[]): ReactNode =>
  createElement(
    Fragment,
    null,
    ...texts.flatMap((text, index) => {
      const element = elements[index];
      return [text, typeof element === 'object' && element !== null ? createElement('bdi', null, element) : element];
    }),
  );
