/** How many times slower this machine is than the reference machine, at least 1. `scripts/test.ts` measures it once. */
const slowness = Math.max(1, Number(process.env['DEVPILOT_TEST_SLOWNESS'] ?? 1));

/** Returns a timeout in milliseconds that is longer on a machine that is slower than the reference machine. */
export const scaledTimeout = (timeoutMs: number): number => Math.ceil(timeoutMs * slowness);
