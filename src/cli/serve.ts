import { createLogger } from '../server/logger.ts';
import { releaseStartupMemory } from '../server/release-startup-memory.ts';
import { readSettings, type Settings } from '../server/settings.ts';
import { startServer } from '../server/start.ts';
import { stopListeningForInterrupts } from './interrupt.ts';
import { formatLogLine } from './terminal-log.ts';

/**
 * Creates the logger of the server, which writes JSON. On a terminal, it writes readable lines instead, and only
 * warnings and errors unless `LOG_LEVEL` is set.
 */
function createServerLogger({ logLevel }: Settings): ReturnType<typeof createLogger> {
  if (!process.stdout.isTTY) return createLogger(logLevel);
  const level = process.env['LOG_LEVEL'] ? logLevel : 'warn';
  return createLogger(level, { write: (json) => void process.stdout.write(`${formatLogLine(json)}\n`) });
}

/** Starts the server, and shuts it down gracefully at SIGTERM or SIGINT. A second signal has no effect. */
export async function serve(): Promise<void> {
  stopListeningForInterrupts();
  const settings = readSettings(process.env);
  const logger = createServerLogger(settings);
  const running = await startServer(settings, { logger });
  releaseStartupMemory();
  const lines = [
    `Devpilot is at ${settings.publicUrl ?? running.url}\n`,
    running.setupLink === null ? '' : `One-time setup link: ${running.setupLink}\n`,
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
  // Written in one call, so that a process that reads the first line gets all lines, and after the signal handlers are
  // registered, so that a signal sent in response is handled.
  process.stdout.write(lines.join(''));
}
