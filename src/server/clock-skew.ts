/**
 * Beyond this skew a node is not ready, because it would evaluate expiries and TOTP codes incorrectly. `devpilot
 * doctor` uses the same limit.
 */
export const SKEW_LIMIT_MS = 5_000;
const WARNING_LIMIT_MS = 1_000;

/** The difference between the clock of this node and the clock of the database. */
export interface ClockSkew {
  /**
   * Records a measurement. `skewMs` is positive if this node is ahead; the true value differs by up to `uncertaintyMs`.
   */
  record(skewMs: number, uncertaintyMs: number): void;
  /** Last measured skew in milliseconds; 0 before the first measurement. */
  skewMs(): number;
  /** Whether the skew exceeds the limit by more than the uncertainty of the measurement. */
  exceedsLimit(): boolean;
}

/**
 * Calls `onWarning` when the skew exceeds one second by more than the uncertainty of its measurement, and `onRecovered`
 * when it no longer does.
 */
export function createClockSkew(onWarning: (skewMs: number) => void, onRecovered: (skewMs: number) => void): ClockSkew {
  let lastMeasurement = { skewMs: 0, minimumMs: 0 };
  let hasWarned = false;
  return {
    record(skewMs, uncertaintyMs) {
      lastMeasurement = { skewMs, minimumMs: Math.abs(skewMs) - uncertaintyMs };
      const exceedsWarningLimit = lastMeasurement.minimumMs > WARNING_LIMIT_MS;
      if (exceedsWarningLimit && !hasWarned) onWarning(Math.round(skewMs));
      if (!exceedsWarningLimit && hasWarned) onRecovered(Math.round(skewMs));
      hasWarned = exceedsWarningLimit;
    },
    skewMs: () => lastMeasurement.skewMs,
    exceedsLimit: () => lastMeasurement.minimumMs > SKEW_LIMIT_MS,
  };
}
