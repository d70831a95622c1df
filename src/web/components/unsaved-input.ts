import { useEffect, useRef } from 'react';

/** Each returns whether a form or an editor has unsaved input. */
const checks = new Set<() => boolean>();

/** Returns whether a form or an editor on the page has input that leaving the page would discard. */
export function hasUnsavedInput(): boolean {
  return [...checks].some((check) => check());
}

/** Registers a check for unsaved input while the component is mounted. */
export function useUnsavedInput(check: () => boolean): void {
  const latestCheck = useRef(check);
  useEffect(() => {
    latestCheck.current = check;
  });
  useEffect(() => {
    const runLatestCheck = () => latestCheck.current();
    checks.add(runLatestCheck);
    return () => {
      checks.delete(runLatestCheck);
    };
  }, []);
}
