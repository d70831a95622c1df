import type { Outbound } from '../outbound/outbound.ts';
import type { Seal } from '../store/seal.ts';
import type { Store } from '../store/store.ts';

/** Dependencies of the functions that notify people and external systems. */
export interface NotifyContext {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  readonly outbound: Outbound;
  /** Whether a mail server is configured. */
  readonly sendsMail: boolean;
  /** Public URL of the web UI. */
  readonly publicUrl: () => string;
  /** Sends due deliveries now instead of at the next poll. */
  readonly wake: () => void;
}
