/**
 * Beyond this skew a node is not ready, because it would decide wrongly on expiry; milliseconds. `devpilot doctor`
 * uses the same limit.
 */
export const SKEW_LIMIT_MS = 5_000;
const WARN_MS = 1_000;

/** Difference between this node's clock and the database's. */
export interface ClockSkew {
  /** `skewMs` is positive if this node is ahead. */
  record(skewMs: number, uncertaintyMs: number): void;
  /** Last measured skew in milliseconds; 0 before the first measurement. */
  skewMs(): number;
  /** Whether the skew exceeds the limit by more than the uncertainty of the measurement. */
  exceedsLimit(): boolean;
}

/** Calls `warn` when the skew exceeds one second, and `onRecovered` when it is below that again. */
export function createClockSkew(warn: (skewMs: number) => void, onRecovered: (skewMs: number) => void): ClockSkew {
  let last = { skewMs: 0, atLeastMs: 0 };
  let isWarned = false;
  return {
    record(skewMs, uncertaintyMs) {
      last = { skewMs, atLeastMs: Math.abs(skewMs) - uncertaintyMs };
      const isOff = last.atLeastMs > WARN_MS;
      if (isOff !== isWarned) (isOff ? warn : onRecovered)(Math.round(skewMs));
      isWarned = isOff;
    },
    skewMs: () => last.skewMs,
    exceedsLimit: () => last.atLeastMs > SKEW_LIMIT_MS,
  };
}
