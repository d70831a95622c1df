import { DevpilotError } from '../sdk/errors.ts';

/** Exit codes of commands. An invalid setting of the server exits with 2, see the contract. */
export const EXIT_CODES = { failed: 1, cancelled: 2, signInNeeded: 4 } as const;

/** A command failed; the message is one line that says why and what to do. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT_CODES.failed) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** Whether the error may disappear by itself, when the server restarts or the network recovers. */
export function isTransient(error: unknown): boolean {
  return error instanceof DevpilotError && (error.status === 0 || error.status >= 500);
}

/** Whether the credential comes from the environment, which takes precedence over the saved profile. */
const hasEnvironmentCredential = () => (process.env['DEVPILOT_TOKEN'] ?? '') !== '';

const otherCredentialHint = () =>
  hasEnvironmentCredential()
    ? 'Set DEVPILOT_TOKEN to a valid credential, or unset it and run: devpilot login'
    : 'Run: devpilot login';
const CHECK_ADDRESS_HINT = 'Is the server running? Set --url or DEVPILOT_URL if it is elsewhere.';

/** What the user can do about an error, per error code. */
const HINTS: Readonly<Record<string, () => string>> = {
  missing_credential: otherCredentialHint,
  invalid_token: otherCredentialHint,
  token_expired: otherCredentialHint,
  credential_spent: otherCredentialHint,
  token_inactive: () => `Enable it with "devpilot keys enable", or use another credential. ${otherCredentialHint()}`,
  passphrase_required: () => 'Set DEVPILOT_PASSPHRASE to the passphrase of the token.',
  passphrase_incorrect: () => 'Check DEVPILOT_PASSPHRASE.',
  wrong_credential_kind: () =>
    hasEnvironmentCredential()
      ? 'Unset DEVPILOT_TOKEN, or set it to another kind of credential.'
      : 'Run: devpilot login',
  insufficient_scope: () => 'Use a credential with the required scope or permission.',
  unreachable: () => CHECK_ADDRESS_HINT,
  timed_out: () => CHECK_ADDRESS_HINT,
  unexpected_answer: () => CHECK_ADDRESS_HINT,
};

const SIGN_IN_CODES = new Set([
  'missing_credential',
  'invalid_token',
  'token_expired',
  'token_inactive',
  'credential_spent',
  'passphrase_required',
  'passphrase_incorrect',
]);

/** Converts an error of a request into a message and an exit code, or returns null for other errors. */
export function toFailure(error: unknown): Failure | null {
  if (error instanceof Failure) return error;
  if (!(error instanceof DevpilotError)) return null;
  const fieldErrors =
    error.errors.length > 1 ? error.errors.map(({ field, message }) => `\n  ${field}: ${message}`) : [];
  const requestIdNote =
    error.code === 'internal' && error.requestId !== undefined ? ` (request ${error.requestId})` : '';
  const required = error.required.length > 0 ? ` Required: ${error.required.join(', ')}.` : '';
  const hint = HINTS[error.code]?.();
  const sentence = hint === undefined || /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
  const isSignIn = SIGN_IN_CODES.has(error.code);
  const message = `${sentence}${requestIdNote}${required}${fieldErrors.join('')}${hint === undefined ? '' : ` ${hint}`}`;
  return new Failure(message, isSignIn ? EXIT_CODES.signInNeeded : EXIT_CODES.failed);
}
