import type { CSSProperties } from 'react';
import styles from './terminal-line.module.css';
import { type StyledText, toStyledText } from './terminal-styles.ts';

function getClassNames({ color, background, decorations }: StyledText): string | undefined {
  const names = [
    background !== null ? 'background' : color !== null ? 'color' : '',
    ...decorations.filter((name) => name !== 'dim' || (color === null && background === null)),
  ];
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
