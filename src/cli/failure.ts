import { DevpilotError } from '../sdk/errors.ts';
import { environmentSetting } from './environment-setting.ts';

/**
 * Exit codes of commands. `devpilot serve` and other commands that read settings also exit with 2 if one is invalid.
 */
export const EXIT_CODES = { failed: 1, cancelled: 2, signInNeeded: 4 } as const;

/** A failed command. The message states why it failed and what to do. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT_CODES.failed) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** Returns whether the same request might succeed later, when the server has restarted or the network has recovered. */
export function isTransient(error: unknown): boolean {
  return error instanceof DevpilotError && (error.status === 0 || error.status >= 500);
}

/** Returns whether the credential comes from the environment, which takes precedence over the saved profile. */
const hasEnvironmentCredential = () => environmentSetting('DEVPILOT_TOKEN') !== undefined;

const newCredentialHint = () =>
  hasEnvironmentCredential()
    ? 'Set DEVPILOT_TOKEN to a valid credential, or unset it and run: devpilot login'
    : 'Run: devpilot login';
const CHECK_ADDRESS_HINT = 'Is the server running? Set --url or DEVPILOT_URL if it is elsewhere.';

/** Advice for the user, per error code. */
const HINTS: Readonly<Record<string, () => string>> = {
  missing_credential: newCredentialHint,
  invalid_token: newCredentialHint,
  token_expired: newCredentialHint,
  credential_spent: newCredentialHint,
  token_inactive: () =>
    hasEnvironmentCredential()
      ? 'Enable it with "devpilot keys enable", or set DEVPILOT_TOKEN to another credential.'
      : 'Enable it with "devpilot keys enable", or sign in with another credential: devpilot login',
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

interface CertificateProblem {
  /** What is wrong: the end of a sentence that begins with "The certificate of the server". */
  readonly reason: string;
  readonly remedy: string;
}

const UNTRUSTED: CertificateProblem = {
  reason: 'is signed by an authority that this machine does not trust',
  remedy: 'Set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority.',
};
const VALIDITY_REMEDY = 'Check the clock of this machine. If it is correct, the server needs another certificate.';
/** The problems per error code of Node. */
const CERTIFICATE_PROBLEMS: Readonly<Record<string, CertificateProblem>> = {
  CERT_HAS_EXPIRED: { reason: 'has expired', remedy: VALIDITY_REMEDY },
  CERT_NOT_YET_VALID: { reason: 'is not valid yet', remedy: VALIDITY_REMEDY },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    reason: 'is for another host name',
    remedy: 'Use a URL with the host name in the certificate.',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
};

/** Describes an invalid certificate of the server and the remedy; null if the request failed for another reason. */
function describeCertificateProblem(error: DevpilotError): string | null {
  for (let { cause } = error as Error; cause instanceof Error; cause = cause.cause) {
    const code = String((cause as NodeJS.ErrnoException).code);
    const problem = CERTIFICATE_PROBLEMS[code];
    if (problem !== undefined) return `The certificate of the server ${problem.reason} (${code}). ${problem.remedy}`;
  }
  return null;
}

/** Converts an error of a request to a `Failure`. Returns a `Failure` unchanged, and null for any other error. */
export function toFailure(error: unknown): Failure | null {
  if (error instanceof Failure) return error;
  if (!(error instanceof DevpilotError)) return null;
  const certificateProblem = describeCertificateProblem(error);
  if (certificateProblem !== null) return new Failure(certificateProblem);
  // The message already names the field if there is only one.
  const fieldErrors =
    error.errors.length > 1 ? error.errors.map(({ field, message }) => `\n  ${field}: ${message}`) : [];
  const requestIdNote =
    error.code === 'internal' && error.requestId !== undefined ? ` (request ${error.requestId})` : '';
  const required = error.required.length > 0 ? ` Required: ${error.required.join(', ')}.` : '';
  const hint = HINTS[error.code]?.();
  const sentence = hint === undefined || /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
  const requiresSignIn = SIGN_IN_CODES.has(error.code);
  const message = `${sentence}${requestIdNote}${required}${fieldErrors.join('')}${hint === undefined ? '' : ` ${hint}`}`;
  return new Failure(message, requiresSignIn ? EXIT_CODES.signInNeeded : EXIT_CODES.failed);
}
