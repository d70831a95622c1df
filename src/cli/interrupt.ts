import { EXIT_CODES } from './failure.ts';

/** Reacts to Ctrl-C: prints what was cancelled or continues on the server, and exits. */
type InterruptHandler = () => never;

const defaultHandler: InterruptHandler = () => {
  process.stderr.write('\ndevpilot: Cancelled.\n');
  process.exit(EXIT_CODES.cancelled);
};

let currentHandler = defaultHandler;
const handleInterrupt = () => currentHandler();

/** Makes Ctrl-C exit with the exit code for "cancelled". */
export function listenForInterrupts(): void {
  process.on('SIGINT', handleInterrupt);
}

/** Stops handling Ctrl-C, for commands that handle it themselves. */
export function stopListeningForInterrupts(): void {
  process.off('SIGINT', handleInterrupt);
}

/** Sets the handler of Ctrl-C, until the returned function is called. */
export function onInterrupt(handler: InterruptHandler): () => void {
  const previous = currentHandler;
  currentHandler = handler;
  return () => {
    currentHandler = previous;
  };
}
