import styles from './code-block.module.css';
import { CopyButton } from './copy-button.tsx';
import { strings } from './strings.ts';

interface CodeBlockProps {
  readonly label: string;
  readonly children: string;
  readonly copyLabel?: string;
}

/** Preformatted text with a copy button. */
export function CodeBlock({ label, children, copyLabel = strings.codeBlock.copyLabel }: CodeBlockProps) {
  return (
    <figure className={styles['block']} aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
      <pre tabIndex={0}>{children}</pre>
      <CopyButton text={children} label={copyLabel} size="compact-sm" />
    </figure>
  );
}
