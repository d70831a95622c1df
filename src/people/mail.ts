import type { Transporter } from 'nodemailer';

/** An email. `html` is an alternative form of `text`. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly messageId?: string;
  readonly headers?: Record<string, string>;
}

/** Sends mail through the configured mail server. */
export interface Mailer {
  /** Resolves when the mail server has accepted the message; rejects otherwise. */
  send(message: Mail): Promise<void>;
}

/** `url` has the form `smtp://user:password@host:587`; `from` is the sender's address. */
export function createMailer(url: string, from: string): Mailer {
  let transport: Promise<Transporter> | null = null;
  /** Loads the mail library. Called for the first message, because most installations send none. */
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
