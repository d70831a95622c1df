/** Schedules a timer that does not keep the process alive. */
export function scheduleTimer(delay: number, work: () => void): () => void {
  const timer: unknown = setTimeout(work, delay);
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer as number);
}
