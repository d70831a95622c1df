import { redactSecrets } from '../contract/redact.ts';

function printableLines(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  return lines.filter((line) => line !== '').map((line) => redactSecrets(line).slice(0, 500));
}
const firstPrintableLine = (text: string): string => printableLines(text)[0] ?? '';
const lastPrintableLine = (text: string): string => printableLines(text).at(-1) ?? '';

/** Exit code of OpenSSH's client if the connection failed. */
export const SSH_CONNECTION_FAILED = 255;

/** Describes why a step did not start, with the server's message if there is one. */
export function describeStartFailure(
  code: number | null,
  banner: { readonly stdout: string; readonly stderr: string },
): string {
  // On a lost connection, the client prints that first, and then its other attempts.
  const serverMessage = firstPrintableLine(banner.stderr) || lastPrintableLine(banner.stdout);
  if (code === null || code === SSH_CONNECTION_FAILED)
    return serverMessage === ''
      ? 'The server did not start the step in time.'
      : `The server did not start the step: ${serverMessage}`;
  const serverReply = lastPrintableLine(banner.stdout) || serverMessage;
  const explanation =
    'Signed in, but this account does not run commands (a nologin shell, SFTP only, or the wrong user).';
  return serverReply === '' ? explanation : `${explanation} The server said: ${serverReply}`;
}
