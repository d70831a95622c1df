import './umask.ts';
import { listenForInterrupts, stopListeningForInterrupts } from './interrupt.ts';
import { createProgram } from './program.ts';

/** Prints an error as one line of JSON to standard error, with the members of the server's problem document if any. */
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

/** Prints an error to standard error, as text or as one line of JSON with `--json`, and sets the exit code. */
async function reportFailure(error: unknown): Promise<void> {
  // The process that reads standard output, such as `head`, closed the pipe.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
  const { toFailure } = await import('./failure.ts');
  const { sanitizeText } = await import('./sanitize.ts');
  const failure = toFailure(error);
  const message = error instanceof Error ? error.message : String(error);
  const isConfigurationError =
    error instanceof Error && (error.name === 'InvalidSettingError' || error.name === 'StartRefusedError');
  const text = sanitizeText(failure?.message ?? message);
  if (process.argv.includes('--json')) await printJsonError(error, text);
  else process.stderr.write(`devpilot: ${text}\n`);
  process.exitCode = failure?.exitCode ?? (isConfigurationError ? 2 : 1);
  if (failure === null && !isConfigurationError && process.env['LOG_LEVEL'] === 'debug' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
}

listenForInterrupts();
// Without arguments, help is printed and the exit code is 0.
const argv = process.argv.length > 2 ? process.argv : [...process.argv, '--help'];
// The server sends its requests through src/outbound/ instead, which handles the proxy itself.
if (argv[2] !== 'serve' && (process.env['HTTPS_PROXY'] ?? process.env['https_proxy']) !== undefined) {
  await (await import('./proxy.ts')).setProxyFromEnvironment();
}
await createProgram().parseAsync(argv).catch(reportFailure).finally(stopListeningForInterrupts);
