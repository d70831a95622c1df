import { useCallback, useEffect, useState } from 'react';

const COPIED_FEEDBACK_MS = 2500;

/**
 * Puts a text on the clipboard. Over plain HTTP, where browsers offer no `navigator.clipboard`, the older
 * command is used, which copies what a listener hands over. Returns false where the browser allows neither.
 */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    if (copied) return true;
  }
  const listener = (event: ClipboardEvent) => {
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
  };
  document.addEventListener('copy', listener);
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    document.removeEventListener('copy', listener);
  }
}

export type CopyState = 'idle' | 'copied' | 'failed';

/** Copies a text, and says for a moment how that went. */
export function useCopy(text: string): { readonly state: CopyState; readonly copy: () => void } {
  const [state, setState] = useState<CopyState>('idle');
  const copy = useCallback(() => {
    void copyText(text).then((copied) => setState(copied ? 'copied' : 'failed'));
  }, [text]);
  useEffect(() => {
    if (state !== 'copied') return;
    const timer = setTimeout(() => setState('idle'), COPIED_FEEDBACK_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return { state, copy };
}
