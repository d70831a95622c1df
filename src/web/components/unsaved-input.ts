import { useEffect, useRef } from 'react';

const checks = new Set<() => boolean>();

/** Returns whether a form or an editor on the page has input that leaving the page would discard. */
export function hasUnsavedInput(): boolean {
  return [...checks].some((check) => check());
}

/** Registers a check for unsaved input while the component is mounted. */
export function useUnsavedInput(hasInput: () => boolean): void {
  const latest = useRef(hasInput);
  useEffect(() => {
    latest.current = hasInput;
  });
  useEffect(() => {
    const check = () => latest.current();
    checks.add(check);
    return () => {
      checks.delete(check);
    };
  }, []);
}
