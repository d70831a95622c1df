import { connect } from 'node:net';
import { scaledTimeout } from './timeouts.ts';

export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** The body, with one character per byte. */
  readonly text: string;
}

/**
 * Sends a request that client libraries cannot send. `lines` are the request line and the header lines; `Host` and
 * `Connection: close` are added. Each character of `lines` is sent as one byte. Resolves to the response when the
 * server closes the connection.
 */
export function sendRawRequest(
  url: string,
  lines: readonly string[],
  body: Uint8Array | string = '',
): Promise<RawResponse> {
  const { hostname, port, host } = new URL(url);
  const [requestLine = '', ...headerLines] = lines;
  const head = [requestLine, `Host: ${host}`, 'Connection: close', ...headerLines, '', ''].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.setTimeout(scaledTimeout(30_000), () => socket.destroy(new Error(`No response to ${requestLine}`)));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error) => (chunks.length === 0 ? reject(error) : undefined));
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const [status = '', ...fields] = text.slice(0, end).split('\r\n');
      resolve({
        status: Number(status.split(' ')[1]),
        headers: new Map(
          fields.map((field) => {
            const colon = field.indexOf(':');
            return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
          }),
        ),
        text: text.slice(end + 4),
      });
    });
    socket.write(Buffer.from(head, 'latin1'));
    socket.write(body);
  });
}
