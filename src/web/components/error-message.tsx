import { Anchor } from '@mantine/core';
import { getErrorMessage, isSecondFactorNeededError, isSignedOutError } from '../api.ts';
import { Notice } from './notice.tsx';
import { strings } from './strings.ts';

interface ErrorMessageProps {
  readonly error: unknown;
  /** Replaces the message of the error, unless the person has lost access. */
  readonly message?: string;
}

function AccessLink({ path, children }: { readonly path: string; readonly children: string }) {
  const { pathname, search, hash } = window.location;
  return (
    <Anchor href={`${path}?from=${encodeURIComponent(pathname + search + hash)}`} target="_blank" inherit fw={600}>
      {children}
    </Anchor>
  );
}

/**
 * The message of an error, or if the person has lost access, a link to sign in or to set up a second factor. The link
 * opens another tab, so that the input on this page is not lost.
 */
export function ErrorMessage({ error, message }: ErrorMessageProps) {
  const texts = strings.errorMessage;
  if (isSignedOutError(error)) {
    return texts.sessionEnded(<AccessLink path="/sign-in">{texts.signInAgain}</AccessLink>);
  }
  if (isSecondFactorNeededError(error)) {
    return texts.secondFactorNeeded(<AccessLink path="/account">{texts.turnOnTwoFactor}</AccessLink>);
  }
  return message ?? getErrorMessage(error);
}

/** An error, in a form or above a button. */
export function ErrorNotice(props: ErrorMessageProps) {
  return (
    <Notice tone="danger">
      <ErrorMessage {...props} />
    </Notice>
  );
}
