import { DevpilotError } from '../sdk/errors.ts';

/** What a command ends with; what a bad setting of the server ends with is the contract's 2. */
export const EXIT = { failed: 1, cancelled: 2, signInNeeded: 4 } as const;

/** A command that can't go on, with a line that says why and what to do. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

const SIGN_IN_CODES = new Set([
  'missing_credential',
  'invalid_token',
  'token_expired',
  'token_inactive',
  'passphrase_required',
  'passphrase_incorrect',
]);

/** What to say of an error of a command that talks to a server, and its exit code; null for other errors. */
export function failureOf(error: unknown): Failure | null {
  if (error instanceof Failure) return error;
  if (!(error instanceof DevpilotError)) return null;
  const more = error.errors.length > 1 ? error.errors.map(({ field, message }) => `\n  ${field}: ${message}`) : [];
  const id = error.code === 'internal' && error.requestId !== undefined ? ` (request ${error.requestId})` : '';
  const required = error.required.length > 0 ? ` Needed: ${error.required.join(', ')}.` : '';
  const next = error.code === 'passphrase_required' ? ' Set DEVPILOT_PASSPHRASE.' : ' Run: devpilot login';
  const isSignIn = SIGN_IN_CODES.has(error.code);
  const message = `${error.message}${id}${required}${more.join('')}${isSignIn ? next : ''}`;
  return new Failure(message, isSignIn ? EXIT.signInNeeded : EXIT.failed);
}
