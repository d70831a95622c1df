import { hash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A response that a server has sent. */
export interface SentResponse {
  readonly method: string;
  /** Path without query and fragment. */
  readonly path: string;
  readonly status: number;
  /** Content type without parameters; empty if the response has none. */
  readonly contentType: string;
  /** Null if the body is compressed or too large to be recorded. */
  readonly body: string | null;
}

const MAX_BODY_LENGTH = 4 * 1024 * 1024;

/** Returns a key that is the same for two responses if they differ at most in the request ID. */
export const responseKey = ({ body, ...otherFields }: SentResponse): string =>
  hash('sha1', JSON.stringify([otherFields, body?.replace(/"requestId":"[^"]*"/, '')]));

/** Returns a function that returns the body written to a response so far; null if it is too large to be recorded. */
function collectBody(response: ServerResponse): () => string | null {
  const chunks: Buffer[] = [];
  let length = 0;
  const add = (chunk: unknown, encoding: unknown) => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    length += chunk.length;
    if (length > MAX_BODY_LENGTH) return;
    const isEncoded = typeof chunk === 'string' && typeof encoding === 'string';
    chunks.push(isEncoded ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.from(chunk as string));
  };
  for (const name of ['write', 'end'] as const) {
    const send = response[name].bind(response) as (...values: unknown[]) => never;
    response[name] = (...values: unknown[]) => {
      add(values[0], values[1]);
      return send(...values);
    };
  }
  return () => (length > MAX_BODY_LENGTH ? null : Buffer.concat(chunks).toString());
}

/**
 * Returns a function that returns a header of a response by its lowercase name; empty if it is not set. Unlike
 * `getHeader`, it also returns headers that were passed to `writeHead`.
 */
function collectHeaders(response: ServerResponse): (name: string) => string {
  let written: Readonly<Record<string, unknown>> = {};
  const writeHead = response.writeHead.bind(response) as (...values: unknown[]) => never;
  response.writeHead = (...values: unknown[]) => {
    const headers = values.at(-1);
    if (typeof headers === 'object' && headers !== null) written = headers as typeof written;
    return writeHead(...values);
  };
  return (name) => {
    const [, value] = Object.entries(written).find(([key]) => key.toLowerCase() === name) ?? [];
    return String(value ?? response.getHeader(name) ?? '');
  };
}

/**
 * Calls `record` with every response of the HTTP servers in this process, and with the port of the server that sent it.
 * Responses that were not sent completely are omitted, except for NDJSON streams.
 */
export function recordResponses(record: (response: SentResponse, port: number) => void): void {
  subscribe('http.server.request.start', (message) => {
    const { request, response, server } = message as {
      request: IncomingMessage;
      response: ServerResponse;
      server: Server;
    };
    const port = (server.address() as AddressInfo | null)?.port ?? 0;
    const method = request.method ?? '';
    const path = (request.url ?? '').split(/[?#]/)[0] ?? '';
    const body = collectBody(response);
    const headerOf = collectHeaders(response);
    response.once('close', () => {
      const contentType = headerOf('content-type').split(';')[0] ?? '';
      const isStream = contentType === 'application/x-ndjson';
      if (!response.headersSent || (!response.writableFinished && !isStream)) return;
      const isCompressed = headerOf('content-encoding') !== '';
      record({ method, path, status: response.statusCode, contentType, body: isCompressed ? null : body() }, port);
    });
  });
}
