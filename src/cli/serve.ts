import { releaseStartupMemory } from '../server/release-startup-memory.ts';
import { readSettings } from '../server/settings.ts';
import { createLogger, startServer } from '../server/start.ts';
import { stopListeningForInterrupts } from './interrupt.ts';

/** Runs the server until SIGTERM or SIGINT, then shuts it down gracefully. A second signal has no effect. */
export async function serve(): Promise<void> {
  stopListeningForInterrupts();
  const settings = readSettings(process.env);
  const logger = createLogger(settings.logLevel);
  const running = await startServer(settings, { logger });
  releaseStartupMemory();
  const lines = [
    `Devpilot is at ${settings.publicUrl ?? running.url}\n`,
    running.setupLink === null ? '' : `Set it up, once: ${running.setupLink}\n`,
    running.metricsUrl === null ? '' : `Metrics are at ${running.metricsUrl}\n`,
  ];
  let stopping: Promise<void> | null = null;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping !== null) return;
    logger.info({ signal }, 'stopping');
    stopping = running.close().then(
      () => logger.info('stopped'),
      (error: unknown) => {
        if (error instanceof Error && error.name === 'IncompleteStop') logger.error(`stopped; ${error.message}`);
        else logger.error({ err: error }, 'could not stop cleanly');
        // Connections to a database that does not respond would keep the process alive.
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // One write, so that a reader of the first line also has the others; and last, so that a signal sent in response to
  // it is handled.
  process.stdout.write(lines.join(''));
}
