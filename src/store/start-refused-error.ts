/** The store must not be opened as it is; `message` is one line that says why and what to do. A command ends with 2. */
export class StartRefusedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartRefusedError';
  }
}
