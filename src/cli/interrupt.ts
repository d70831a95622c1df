import { EXIT_CODES } from './failure.ts';

/** Says what is left behind, if anything, and ends the process. */
type InterruptHandler = () => never;

const defaultHandler: InterruptHandler = () => {
  process.stderr.write('\ndevpilot: Cancelled.\n');
  process.exit(EXIT_CODES.cancelled);
};

let currentHandler = defaultHandler;
const handleInterrupt = () => currentHandler();

/** From now on Ctrl-C ends the command as cancelled. */
export function listenForInterrupts(): void {
  process.on('SIGINT', handleInterrupt);
}

/** Leaves interrupts to whoever listens for them. */
export function stopListeningForInterrupts(): void {
  process.off('SIGINT', handleInterrupt);
}

/** What Ctrl-C does from now on, until the answer is called. */
export function onInterrupt(handler: InterruptHandler): () => void {
  const previous = currentHandler;
  currentHandler = handler;
  return () => {
    currentHandler = previous;
  };
}
