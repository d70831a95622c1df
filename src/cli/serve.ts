import { releaseStartupMemory } from '../server/release-startup-memory.ts';
import { readSettings } from '../server/settings.ts';
import { createLogger, startServer } from '../server/start.ts';
import { stopListeningForInterrupts } from './interrupt.ts';

/** Serves until SIGTERM or SIGINT, then stops cleanly. A second signal changes nothing. */
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
        // Connections to a store that does not answer would hold the process up.
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // In one piece, so that whoever reads the first line has the others too; and last, so that a signal sent on reading it stops cleanly.
  process.stdout.write(lines.join(''));
}
