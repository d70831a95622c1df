import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { MINUTE } from '../../contract/words.ts';
import { Missing, type Storage, StorageFailure } from './storage.ts';

export interface BucketSettings {
  /** The bucket's address, with a prefix where one is wanted; no slash at the end. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Bytes of a part: of the at most 10,000 that an object may have, and held in memory one at a time. */
const PART = 16 * 1_048_576;
const TRIES = 4;
const ANSWER_WITHIN = 5 * MINUTE;
/** Bytes read of an answer that is not an object. */
const ANSWER_MAX = 65_536;

interface Ask {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal | undefined;
}

/** The text of the first element of that name in an answer, without a parser: these answers are flat. */
function element(xml: string, name: string): string | null {
  const found = new RegExp(`<${name}>([^<]{0,2048})</${name}>`).exec(xml)?.[1];
  if (found === undefined) return null;
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return found.replace(/&(lt|gt|quot|apos|amp);/g, (whole, entity: string) => entities[entity] ?? whole);
}

/** What a bucket said was wrong: its code, a word, and never what it echoes of a request. */
function failureOf(status: number, text: string): StorageFailure {
  const code = element(text, 'Code');
  const word = code !== null && /^[A-Za-z0-9.]{1,64}$/.test(code) ? ` ${code}` : '';
  return new StorageFailure(`The bucket answered ${status}${word}.`);
}

async function textOf(response: Response): Promise<string> {
  let text = '';
  if (response.body === null) return text;
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length > ANSWER_MAX) break;
  }
  return text;
}

/** Cuts a stream into parts of one size; the last may be smaller, or empty where there is nothing at all. */
async function* partsOf(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let part = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(size - filled, chunk.length - at);
      part.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < size) continue;
      yield part;
      part = new Uint8Array(size);
      filled = 0;
    }
  }
  yield part.subarray(0, filled);
}

/**
 * Keeps backups in a bucket of S3 or of what speaks like it (REST API, Signature Version 4 by
 * aws4fetch). Small ones go in one request, others in parts; an object appears only when all of it is
 * there. Each request carries the SHA-256 of its body, so that what arrives is what was sent.
 */
export function createBucketStorage(settings: BucketSettings, partSize: number = PART): Storage {
  const { url, region, accessKeyId, secretAccessKey } = settings;
  // Its own tries know of answers alone, not of connections that break.
  const signer = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 });
  const name = `s3:${url.replace(/^https?:\/\//, '')}#`;

  async function once(place: string, { method, query, body, signal }: Ask): Promise<Response> {
    const address = new URL(`${url}/${place.slice(name.length)}`);
    for (const [key, value] of Object.entries(query ?? {})) address.searchParams.set(key, value);
    const hash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const limit = AbortSignal.timeout(ANSWER_WITHIN);
    return signer.fetch(address.href, {
      method,
      // A redirect is an answer like any other refusal: nothing is sent to a place that the operator did not name.
      redirect: 'manual',
      headers: { 'x-amz-content-sha256': hash },
      // A GET streams as long as it takes; its own signal ends it.
      signal: method === 'GET' ? (signal ?? null) : AbortSignal.any(signal === undefined ? [limit] : [signal, limit]),
      ...(body !== undefined && { body }),
    });
  }

  /** Asks again where the connection broke or the bucket was busy. Throws `StorageFailure`. */
  async function ask(place: string, asked: Ask): Promise<Response> {
    for (let left = TRIES - 1; ; left--) {
      let failure: StorageFailure;
      try {
        const response = await once(place, asked);
        if (response.ok || response.status === 404) return response;
        failure = failureOf(response.status, await textOf(response));
        if (response.status < 500 && response.status !== 429) throw failure;
      } catch (error) {
        asked.signal?.throwIfAborted();
        if (error instanceof StorageFailure) throw error;
        failure = new StorageFailure('The bucket can not be reached.', { cause: error });
      }
      if (left === 0) throw failure;
      await pause(200 * 2 ** (TRIES - 1 - left), undefined, { signal: asked.signal });
    }
  }

  async function done(place: string, asked: Ask): Promise<{ response: Response; text: string }> {
    const response = await ask(place, asked);
    const text = await textOf(response);
    if (!response.ok) throw failureOf(response.status, text);
    return { response, text };
  }

  async function abort(place: string, uploadId: string, signal?: AbortSignal): Promise<void> {
    // 404: it is gone already.
    await (await ask(place, { method: 'DELETE', query: { uploadId }, signal })).body?.cancel();
  }

  async function inParts(
    place: string,
    uploadId: string,
    first: Uint8Array<ArrayBuffer>,
    rest: AsyncGenerator<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<void> {
    const tags: string[] = [];
    async function put(body: Uint8Array<ArrayBuffer>): Promise<void> {
      const query = { partNumber: String(tags.length + 1), uploadId };
      const { response } = await done(place, { method: 'PUT', query, body, signal });
      const tag = response.headers.get('etag');
      if (tag === null) throw new StorageFailure('The bucket took a part without naming it.');
      tags.push(tag);
    }
    await put(first);
    for await (const part of rest) if (part.length > 0) await put(part);
    const listed = tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag.replace(/[&<>]/g, '')}</ETag></Part>`,
    );
    const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`;
    const body = new TextEncoder().encode(xml);
    const { text } = await done(place, { method: 'POST', query: { uploadId }, body, signal });
    // A completion that fails late is answered 200 with an error in it.
    if (/<Error>/.test(text)) throw failureOf(200, text);
  }

  return {
    name,
    async write(place, source, onUpload, signal) {
      const parts = partsOf(source, partSize);
      const first = await parts.next();
      signal.throwIfAborted();
      if (first.done === true) throw new StorageFailure('There was nothing to write.');
      if (first.value.length < partSize) {
        await done(place, { method: 'PUT', body: first.value, signal });
        return;
      }
      const { text } = await done(place, { method: 'POST', query: { uploads: '' }, signal });
      const uploadId = element(text, 'UploadId');
      if (uploadId === null) throw new StorageFailure('The bucket began an upload without naming it.');
      try {
        await onUpload(uploadId);
        await inParts(place, uploadId, first.value, parts, signal);
      } catch (error) {
        await abort(place, uploadId).catch(() => undefined);
        throw error;
      }
    },
    async read(place, signal) {
      const response = await ask(place, { method: 'GET', signal });
      if (response.status === 404) throw new Missing();
      if (response.body === null) throw new StorageFailure('The bucket answered without a body.');
      return Readable.fromWeb(response.body as ReadableStream);
    },
    async remove(place, upload, signal) {
      if (upload !== null) await abort(place, upload, signal);
      await (await ask(place, { method: 'DELETE', signal })).body?.cancel();
    },
  };
}
