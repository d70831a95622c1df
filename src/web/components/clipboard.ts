import { useCallback, useEffect, useState } from 'react';

const COPIED_FEEDBACK_MS = 2500;

/**
 * Copies a text to the clipboard. If `navigator.clipboard` is missing, as on pages served over plain HTTP, or refuses,
 * uses the deprecated `copy` command with a listener that supplies the text. Returns false if the browser allows
 * neither.
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

/**
 * Returns a function that copies the text, and the state after its last call. The state `copied` is reset to `idle`
 * after `COPIED_FEEDBACK_MS`; `failed` remains until the next call.
 */
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
