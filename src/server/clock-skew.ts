/** Beyond this a node is not ready, milliseconds: it would misjudge expiries. `devpilot doctor` draws the same line. */
export const SKEW_LIMIT_MS = 5_000;
const WARN_MS = 1_000;

/** How far this node's clock is from the database's. */
export interface ClockSkew {
  /** Positive where this node is ahead. */
  record(skewMs: number, uncertaintyMs: number): void;
  /** As measured last, milliseconds; 0 before. */
  skewMs(): number;
  /** Whether it is beyond the limit, whatever the measurement may be wrong by. */
  exceedsLimit(): boolean;
}

/** `warn` is called when the skew grows beyond a second, and `settled` when it is back. */
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
