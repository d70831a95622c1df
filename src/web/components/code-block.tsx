import styles from './code-block.module.css';
import { CopyButton } from './copy-button.tsx';

interface CodeBlockProps {
  readonly label: string;
  readonly children: string;
  readonly copyLabel?: string;
}

/** Text for a machine, to read and to copy. */
export function CodeBlock({ label, children, copyLabel = 'Copy' }: CodeBlockProps) {
  return (
    <figure className={styles['block']} aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{children}</pre>
      <CopyButton text={children} label={copyLabel} size="compact-sm" />
    </figure>
  );
}
