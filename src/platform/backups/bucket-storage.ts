import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { MINUTE } from '../../contract/limits.ts';
import { ObjectNotFound, type Storage, StorageFailure } from './storage.ts';

export interface BucketSettings {
  /** URL of the bucket, optionally with a prefix; without a trailing slash. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Size of a part in bytes. S3 allows 10,000 parts per object. Only one part is in memory at a time. */
const PART_BYTES = 16 * 1_048_576;
const MAX_ATTEMPTS = 4;
/** The delay doubles after each attempt. */
const FIRST_RETRY_DELAY_MS = 200;
const RESPONSE_TIMEOUT_MS = 5 * MINUTE;
/** Maximum length of a response other than an object; the rest of a longer response is not read. */
const MAX_RESPONSE_CHARACTERS = 65_536;

interface BucketRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal | undefined;
}

/** Returns the text of the first element with this name. The responses are flat, so no XML parser is needed. */
function readXmlElement(xml: string, name: string): string | null {
  const content = new RegExp(`<${name}>([^<]{0,2048})</${name}>`).exec(xml)?.[1];
  if (content === undefined) return null;
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return content.replace(/&(lt|gt|quot|apos|amp);/g, (reference, entity: string) => entities[entity] ?? reference);
}

/** Describes an error response only by its code, because its text may repeat parts of the request. */
function toStorageFailure(status: number, text: string): StorageFailure {
  const code = readXmlElement(text, 'Code');
  const suffix = code !== null && /^[A-Za-z0-9.]{1,64}$/.test(code) ? ` ${code}` : '';
  return new StorageFailure(`The bucket responded with ${status}${suffix}.`);
}

async function readText(response: Response): Promise<string> {
  let text = '';
  if (response.body === null) return text;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length > MAX_RESPONSE_CHARACTERS) break;
  }
  return text;
}

/** Splits a stream into parts of `size` bytes. Only the last part may be smaller or empty. */
async function* splitIntoParts(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let part = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length; ) {
      const copiedBytes = Math.min(size - filled, chunk.length - offset);
      part.set(chunk.subarray(offset, offset + copiedBytes), filled);
      filled += copiedBytes;
      offset += copiedBytes;
      if (filled < size) continue;
      yield part;
      part = new Uint8Array(size);
      filled = 0;
    }
  }
  yield part.subarray(0, filled);
}

/**
 * Stores backups in a bucket of S3 or a compatible service (REST API; aws4fetch signs requests with Signature Version
 * 4). An object is sent in one request if it is smaller than a part, and otherwise in parts. It exists only when it is
 * complete. Each request contains the SHA-256 of its body, so that corruption in transit is detected.
 */
export function createBucketStorage(settings: BucketSettings, partSize: number = PART_BYTES): Storage {
  const { url, region, accessKeyId, secretAccessKey } = settings;
  // The retries of aws4fetch cover responses only, not broken connections.
  const signer = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 });
  const name = `s3:${url.replace(/^https?:\/\//, '')}#`;

  async function sendOnce(location: string, { method, query, body, signal }: BucketRequest): Promise<Response> {
    const objectUrl = new URL(`${url}/${location.slice(name.length)}`);
    for (const [key, value] of Object.entries(query ?? {})) objectUrl.searchParams.set(key, value);
    const hash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const timeout = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
    return signer.fetch(objectUrl.href, {
      method,
      // A redirect is treated as a failure: nothing is sent to a host that the operator did not configure.
      redirect: 'manual',
      headers: { 'x-amz-content-sha256': hash },
      // A GET may stream for any length of time, so it has no timeout.
      signal:
        method === 'GET' ? (signal ?? null) : AbortSignal.any(signal === undefined ? [timeout] : [signal, timeout]),
      ...(body !== undefined && { body }),
    });
  }

  /**
   * Sends a request, and retries if the connection breaks or the bucket is busy. Returns a response with a status of
   * success or 404, and throws `StorageFailure` for other responses.
   */
  async function send(location: string, request: BucketRequest): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      let failure: StorageFailure;
      try {
        const response = await sendOnce(location, request);
        if (response.ok || response.status === 404) return response;
        failure = toStorageFailure(response.status, await readText(response));
        if (response.status < 500 && response.status !== 429) throw failure;
      } catch (error) {
        request.signal?.throwIfAborted();
        if (error instanceof StorageFailure) throw error;
        failure = new StorageFailure('The bucket cannot be reached.', { cause: error });
      }
      if (attempt === MAX_ATTEMPTS) throw failure;
      await pause(FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1), undefined, { signal: request.signal });
    }
  }

  /** Sends a request and reads the response. Throws `StorageFailure` unless the status is a success. */
  async function sendExpectingSuccess(
    location: string,
    request: BucketRequest,
  ): Promise<{ response: Response; text: string }> {
    const response = await send(location, request);
    const text = await readText(response);
    if (!response.ok) throw toStorageFailure(response.status, text);
    return { response, text };
  }

  async function abortUpload(location: string, uploadId: string, signal?: AbortSignal): Promise<void> {
    // A 404 means that the upload no longer exists.
    await (await send(location, { method: 'DELETE', query: { uploadId }, signal })).body?.cancel();
  }

  async function uploadParts(
    location: string,
    uploadId: string,
    firstPart: Uint8Array<ArrayBuffer>,
    remainingParts: AsyncGenerator<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<void> {
    const etags: string[] = [];
    async function uploadPart(body: Uint8Array<ArrayBuffer>): Promise<void> {
      const query = { partNumber: String(etags.length + 1), uploadId };
      const { response } = await sendExpectingSuccess(location, { method: 'PUT', query, body, signal });
      const etag = response.headers.get('etag');
      if (etag === null) throw new StorageFailure('The bucket returned no ETag for a part.');
      etags.push(etag);
    }
    await uploadPart(firstPart);
    for await (const part of remainingParts) if (part.length > 0) await uploadPart(part);
    const partElements = etags.map(
      (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replace(/[&<>]/g, '')}</ETag></Part>`,
    );
    const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${partElements.join('')}</CompleteMultipartUpload>`;
    const body = new TextEncoder().encode(xml);
    const { text } = await sendExpectingSuccess(location, { method: 'POST', query: { uploadId }, body, signal });
    // If completing the upload fails late, S3 responds with 200 and an error in the body.
    if (/<Error>/.test(text)) throw toStorageFailure(200, text);
  }

  return {
    name,
    async write(location, source, onUpload, signal) {
      const parts = splitIntoParts(source, partSize);
      const firstPart = await parts.next();
      signal.throwIfAborted();
      if (firstPart.done === true) throw new StorageFailure('There was nothing to write.');
      if (firstPart.value.length < partSize) {
        await sendExpectingSuccess(location, { method: 'PUT', body: firstPart.value, signal });
        return;
      }
      const { text } = await sendExpectingSuccess(location, { method: 'POST', query: { uploads: '' }, signal });
      const uploadId = readXmlElement(text, 'UploadId');
      if (uploadId === null) throw new StorageFailure('The bucket returned no upload ID.');
      try {
        await onUpload(uploadId);
        await uploadParts(location, uploadId, firstPart.value, parts, signal);
      } catch (error) {
        await abortUpload(location, uploadId).catch(() => undefined);
        throw error;
      }
    },
    async read(location, signal) {
      const response = await send(location, { method: 'GET', signal });
      if (response.status === 404) throw new ObjectNotFound();
      if (response.body === null) throw new StorageFailure('The bucket responded without a body.');
      return Readable.fromWeb(response.body as ReadableStream);
    },
    async remove(location, uploadId, signal) {
      if (uploadId !== null) await abortUpload(location, uploadId, signal);
      await (await send(location, { method: 'DELETE', signal })).body?.cancel();
    },
  };
}
