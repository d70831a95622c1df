import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './until.ts';

export interface ReceivedMessage {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Status of the response to the message. */
  readonly status: number;
}

/** A receiver of webhooks on loopback. Tests can replace `respond` to simulate faults. */
export interface WebhookReceiver {
  readonly url: string;
  readonly messages: ReceivedMessage[];
  respond: (response: http.ServerResponse, message: Omit<ReceivedMessage, 'status'>) => void;
  /** Waits until this many messages have arrived in total, including those that were answered with an error. */
  waitForMessages(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const messages: ReceivedMessage[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = request.headers as Record<string, string>;
    const message = { id: headers['webhook-id'] ?? '', headers, body: Buffer.concat(chunks).toString() };
    receiver.respond(response, message);
    messages.push({ ...message, status: response.statusCode });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/secret-path`,
    messages,
    respond: (response) => response.writeHead(204).end(),
    waitForMessages: (count) => until(() => Promise.resolve(messages.length >= count)),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}
