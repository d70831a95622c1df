import { Anchor } from '@mantine/core';
import { getErrorMessage, isSignedOut } from '../api.ts';
import { Notice } from './notice.tsx';
import { strings } from './strings.ts';

interface ErrorMessageProps {
  readonly error: unknown;
  /** Replaces the message of the error, unless the session has ended. */
  readonly message?: string;
}

/**
 * The message of an error, or if the session has ended, a link to sign in. The link opens another tab, so that what was
 * entered on this page is kept.
 */
export function ErrorMessage({ error, message }: ErrorMessageProps) {
  if (!isSignedOut(error)) return message ?? getErrorMessage(error);
  const { pathname, search, hash } = window.location;
  return strings.errorMessage.sessionEnded(
    <Anchor
      key="sign-in"
      href={`/sign-in?from=${encodeURIComponent(pathname + search + hash)}`}
      target="_blank"
      inherit
      fw={600}
    >
      {strings.errorMessage.signInAgain}
    </Anchor>,
  );
}

/** An error, in a form or above a button. */
export function ErrorNotice(props: ErrorMessageProps) {
  return (
    <Notice tone="bad">
      <ErrorMessage {...props} />
    </Notice>
  );
}
