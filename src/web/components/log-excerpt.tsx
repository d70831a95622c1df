import type { LogLine } from '../../contract/logs.ts';
import styles from './live-log.module.css';
import { LogLineRow } from './live-log.tsx';

/** Some lines of a log. */
export function LogExcerpt({ label, lines }: { readonly label: string; readonly lines: readonly LogLine[] }) {
  return (
    <section
      className={styles['log']}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
      tabIndex={0}
    >
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines have no other identity
        <LogLineRow key={index} line={line} heading={null} />
      ))}
    </section>
  );
}
