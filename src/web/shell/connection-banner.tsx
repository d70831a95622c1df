import { useConnectionLost } from '../connection.ts';
import styles from './shell.module.css';

/** Says that the server can not be reached, while it can not. */
export function ConnectionBanner() {
  const isLost = useConnectionLost();
  return (
    <div role="status" aria-live="polite">
      {isLost && <div className={`${styles['banner']} tone-warn`}>Connection lost. Reconnecting…</div>}
    </div>
  );
}
