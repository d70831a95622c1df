import './umask.ts';
import { listenForInterrupts, stopListeningForInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';

/** What went wrong, in one line on standard error, and the exit code that belongs to it. */
async function reportFailure(error: unknown): Promise<void> {
  // Whoever read the answer has had enough of it.
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
// The bare command says what there is, which is no failure.
const argv = process.argv.length > 2 ? process.argv : [...process.argv, '--help'];
await createProgram().parseAsync(argv).catch(reportFailure).finally(stopListeningForInterrupts);
