/** Slowness of this machine relative to the usual one, at least 1; `scripts/test.ts` measures it once. */
const slowness = Math.max(1, Number(process.env['DEVPILOT_TEST_SLOWNESS'] ?? 1));

/** Timeout in milliseconds for waiting in a test: as given on the usual machine, longer on a slower one. */
export const scaledTimeout = (timeoutMs: number): number => Math.ceil(timeoutMs * slowness);
