import { redactSecrets } from '../contract/redact.ts';

/** Returns the lines that are not blank, as printable ASCII, redacted, each of at most 500 characters. */
export function printableLines(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  return lines.filter((line) => line !== '').map((line) => redactSecrets(line).slice(0, 500));
}
const firstPrintableLine = (text: string): string => printableLines(text)[0] ?? '';
const lastPrintableLine = (text: string): string => printableLines(text).at(-1) ?? '';

/** Exit code of OpenSSH's client if the connection failed. */
export const SSH_CONNECTION_FAILED = 255;

/** The output before a step was ready; see `StepOutput`. */
interface Banner {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Messages of accounts that run no commands, and their explanations: the forced command of the root account in cloud
 * images (cloud-init, `disable_root_opts`), `internal-sftp` of sshd, and `nologin` of shadow and util-linux.
 */
const KNOWN_REFUSALS: readonly (readonly [RegExp, (user: string) => string])[] = [
  [
    /^Please log ?in as the user "?([A-Za-z_][\w.-]{0,31})"? rather than/im,
    (user) => `this account only says to sign in as ${user}. Set the user of the server to ${user}.`,
  ],
  [
    /^This service allows sftp connections only\./im,
    () => 'this account is limited to SFTP (internal-sftp). Use an account that can run commands.',
  ],
  [
    /^This account is (?:currently )?not available\.?/im,
    () => 'this account has no login shell (nologin). Give it one, such as /bin/sh, or use another account.',
  ],
];

/** Explains the output of an account that runs no commands. Returns null if it is not a known message. */
export function describeKnownRefusal({ stdout, stderr }: Banner): string | null {
  for (const [pattern, describe] of KNOWN_REFUSALS) {
    const match = pattern.exec(stdout) ?? pattern.exec(stderr);
    if (match === null) continue;
    return `Signed in, but ${describe(match[1] ?? '')} The server said: ${firstPrintableLine(match.input.slice(match.index))}`;
  }
  return null;
}

/** Describes why a step did not start, with the server's message if there is one. */
export function describeStartFailure(code: number | null, banner: Banner): string {
  const known = describeKnownRefusal(banner);
  if (known !== null) return known;
  // The first line, because a client that loses its connection then prints the errors of further attempts.
  const firstError = firstPrintableLine(banner.stderr);
  const lastOutput = lastPrintableLine(banner.stdout);
  if (code === null || code === SSH_CONNECTION_FAILED) {
    const cause = firstError || lastOutput;
    if (cause !== '') return `The server did not start the step: ${cause}`;
    return code === null ? 'The server did not start the step in time.' : 'The server did not start the step.';
  }
  const explanation =
    'Signed in, but this account does not run commands (a shell such as /bin/false, SFTP only, or the wrong user).';
  const serverMessage = lastOutput || firstError;
  return serverMessage === '' ? explanation : `${explanation} The server said: ${serverMessage}`;
}
