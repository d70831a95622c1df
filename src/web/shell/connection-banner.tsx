import { useConnectionLost } from '../connection.ts';
import styles from './shell.module.css';
import { strings } from './strings.ts';

/** Shown while the server cannot be reached. */
export function ConnectionBanner() {
  const isLost = useConnectionLost();
  return (
    <div role="status" aria-live="polite">
      {isLost && <div className={`${styles['banner']} tone-warning`}>{strings.connectionBanner.connectionLost}</div>}
    </div>
  );
}
