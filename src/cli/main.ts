import './umask.ts';
import { listenForInterrupts, stopListeningForInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';

/** Prints an error as one line of JSON to standard error: the members of the server's problem, if it is one. */
async function printJsonError(error: unknown, message: string): Promise<void> {
  const { DevpilotError } = await import('../sdk/errors.ts');
  const { sanitizeJson } = await import('./sanitize.ts');
  const { code, status, requestId, errors, required } =
    error instanceof DevpilotError ? error : { code: 'failed', status: 0, errors: [], required: [] };
  const details = {
    ...(status > 0 && { status }),
    ...(requestId !== undefined && { requestId }),
    ...(errors.length > 0 && { errors }),
    ...(required.length > 0 && { required }),
  };
  process.stderr.write(`${sanitizeJson(JSON.stringify({ error: { code, message, ...details } }))}\n`);
}

/** Prints an error to standard error, as one line of text or with `--json` of JSON, and sets the exit code. */
async function reportFailure(error: unknown): Promise<void> {
  // The reader of standard output closed the pipe, for example `head`.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
  const { toFailure: failureOf } = await import('./failure.ts');
  const { sanitizeText: harmlessLines } = await import('./sanitize.ts');
  const failure = failureOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const isSetting =
    error instanceof Error && (error.name === 'InvalidSettingError' || error.name === 'StartRefusedError');
  const text = harmlessLines(failure?.message ?? message);
  if (process.argv.includes('--json')) await printJsonError(error, text);
  else process.stderr.write(`devpilot: ${text}\n`);
  process.exitCode = failure?.exitCode ?? (isSetting ? 2 : 1);
  if (failure === null && !isSetting && process.env['LOG_LEVEL'] === 'debug' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
}

listenForInterrupts();
// Without arguments, help is printed and the exit code is 0.
const argv = process.argv.length > 2 ? process.argv : [...process.argv, '--help'];
// The requests of a server go through src/outbound/ instead.
if (argv[2] !== 'serve' && (process.env['HTTPS_PROXY'] ?? process.env['https_proxy']) !== undefined) {
  await (await import('./proxy.ts')).setProxyFromEnvironment();
}
await createProgram().parseAsync(argv).catch(reportFailure).finally(stopListeningForInterrupts);
