import type { CSSProperties } from 'react';
import styles from './terminal-line.module.css';
import { type StyledText, toStyledText } from './terminal-styles.ts';

function getClassNames({ color, background, decorations }: StyledText): string | undefined {
  const names: string[] = [];
  if (background !== null) names.push('background');
  else if (color !== null) names.push('color');
  // The class `dim` sets a color, which must not replace a color that the output itself set.
  const hasColor = names.length > 0;
  names.push(...decorations.filter((name) => name !== 'dim' || !hasColor));
  return names.flatMap((name) => styles[name] ?? []).join(' ') || undefined;
}

/** A line of output in the colors and styles that its escape sequences set. */
export function TerminalLine({ text }: { readonly text: string }) {
  return toStyledText(text).map((piece, index) => (
    <span
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line never change
      key={index}
      className={getClassNames(piece)}
      style={
        {
          ...(piece.color !== null && { '--terminal-color': piece.color }),
          ...(piece.background !== null && { '--terminal-background': piece.background }),
        } as CSSProperties
      }
    >
      {piece.text}
    </span>
  ));
}
