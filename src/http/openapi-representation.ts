import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzip } from 'node:zlib';
import { BASE_URL_PLACEHOLDER } from './openapi.ts';

/** The OpenAPI document for one base URL. */
interface OpenApiRepresentation {
  readonly etag: string;
  readonly json: Buffer;
  readonly compressed: Buffer;
}

const compress = promisify(gzip);
/**
 * Maximum number of cached documents. Without a public URL, the base URL depends on the host name that a client uses.
 */
const MAX_CACHED_BASE_URLS = 16;

async function generate(version: string): Promise<string> {
  const workerFile = import.meta.url.endsWith('.ts') ? './openapi-worker.ts' : './openapi-worker.js';
  const [document] = (await once(
    new Worker(new URL(workerFile, import.meta.url), { workerData: version }),
    'message',
  )) as [string];
  return document;
}

/** Creates a function that returns the OpenAPI document for a base URL. The document is generated on first use. */
export function createOpenApiRepresentations(version: string): (baseUrl: string) => Promise<OpenApiRepresentation> {
  const representations = new Map<string, Promise<OpenApiRepresentation>>();
  let document: Promise<string> | null = null;

  async function represent(baseUrl: string): Promise<OpenApiRepresentation> {
    document ??= generate(version);
    // No character of an origin needs escaping in JSON.
    const json = Buffer.from((await document).replaceAll(BASE_URL_PLACEHOLDER, () => baseUrl));
    const etag = `"${createHash('sha256').update(json).digest('base64url')}"`;
    return { etag, json, compressed: await compress(json) };
  }

  return (baseUrl) => {
    const cached = representations.get(baseUrl);
    if (cached !== undefined) return cached;
    if (representations.size >= MAX_CACHED_BASE_URLS) representations.clear();
    const representation = represent(baseUrl);
    representations.set(baseUrl, representation);
    representation.catch(() => {
      representations.delete(baseUrl);
      document = null;
    });
    return representation;
  };
}
