import { createElement, Fragment, type ReactNode } from 'react';

/** A sentence that contains elements: sentence`Type ${name} to confirm`. */
export const sentence = (texts: TemplateStringsArray, ...elements: readonly ReactNode[]): ReactNode =>
  createElement(Fragment, null, ...texts.flatMap((text, index) => [text, elements[index]]));
