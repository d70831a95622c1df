import { createTransport } from 'nodemailer';

/** Sends mail, if the operator has named a server for it. */
export interface Mail {
  /** Resolves when the server has taken the message; rejects otherwise. */
  send(message: { to: string; subject: string; text: string }): Promise<void>;
}

/** `url` as in `smtp://user:password@host:587`; `from` is the sender's address. */
export function createMail(url: string, from: string): Mail {
  const transport = createTransport({ url, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 });
  return {
    async send(message) {
      await transport.sendMail({ from, ...message, disableFileAccess: true, disableUrlAccess: true });
    },
  };
}
