import { EXIT } from './failure.ts';

/** Says what is left behind, if anything, and ends the process. */
type Ending = () => never;

const standard: Ending = () => {
  process.stderr.write('\ndevpilot: Cancelled.\n');
  process.exit(EXIT.cancelled);
};

let ending = standard;
const interrupted = () => ending();

/** From now on Ctrl-C ends the command as cancelled. */
export function listenForInterrupts(): void {
  process.on('SIGINT', interrupted);
}

/** Leaves interrupts to whoever listens for them. */
export function leaveInterrupts(): void {
  process.off('SIGINT', interrupted);
}

/** What Ctrl-C does from now on, until the answer is called. */
export function onInterrupt(next: Ending): () => void {
  const before = ending;
  ending = next;
  return () => {
    ending = before;
  };
}
