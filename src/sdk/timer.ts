/** Schedules a timer that does not keep the process alive. Returns a function that cancels it. */
export function scheduleTimer(delayMs: number, run: () => void): () => void {
  const timer: unknown = setTimeout(run, delayMs);
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer as number);
}
