import { useConnectionLost } from '../connection.ts';
import styles from './shell.module.css';

/** Shown while the server cannot be reached. */
export function ConnectionBanner() {
  const isLost = useConnectionLost();
  return (
    <div role="status" aria-live="polite">
      {isLost && <div className={`${styles['banner']} tone-warn`}>Connection lost. Reconnecting…</div>}
    </div>
  );
}
