/**
 * The store cannot be opened safely; `message` is one line with the cause and the remedy. Commands exit with code 2.
 */
export class StartRefusedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartRefusedError';
  }
}
