import './umask.ts';
import { listenForInterrupts, stopListeningForInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';

/** Prints an error as one line to standard error, and returns its exit code. */
async function reportFailure(error: unknown): Promise<void> {
  // The reader of standard output closed the pipe, for example `head`.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
  const { toFailure: failureOf } = await import('./failure.ts');
  const { sanitizeText: harmlessLines } = await import('./sanitize.ts');
  const failure = failureOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const isSetting =
    error instanceof Error && (error.name === 'InvalidSettingError' || error.name === 'StartRefusedError');
  process.stderr.write(`devpilot: ${harmlessLines(failure?.message ?? message)}\n`);
  process.exitCode = failure?.exitCode ?? (isSetting ? 2 : 1);
  if (failure === null && !isSetting && process.env['LOG_LEVEL'] === 'debug' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
}

listenForInterrupts();
// Without arguments, help is printed and the exit code is 0.
const argv = process.argv.length > 2 ? process.argv : [...process.argv, '--help'];
await createProgram().parseAsync(argv).catch(reportFailure).finally(stopListeningForInterrupts);
