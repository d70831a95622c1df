import type { Transporter } from 'nodemailer';

/** Sends mail through the server that the operator has configured. */
export interface Mailer {
  /** Resolves when the server has accepted the message; rejects otherwise. */
  send(message: { to: string; subject: string; text: string }): Promise<void>;
}

/** `url` as in `smtp://user:password@host:587`; `from` is the sender's address. */
export function createMailer(url: string, from: string): Mailer {
  let transport: Promise<Transporter> | null = null;
  /** Connects for the first message only: most installations send none. */
  async function connect(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer');
    return createTransport({ url, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 });
  }
  return {
    async send(message) {
      transport ??= connect();
      await (await transport).sendMail({ from, ...message, disableFileAccess: true, disableUrlAccess: true });
    },
  };
}
