import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AwsV4Signer } from 'aws4fetch';
import { startS3, type TestS3 } from '../../testing/s3.ts';
import { temporaryDirectory } from '../../testing/temporary-directory.ts';
import { createBucketStorage } from './bucket-storage.ts';
import { createDirectoryStorage } from './directory-storage.ts';
import { ObjectNotFound, type Storage, StorageFailure } from './storage.ts';

const folder = temporaryDirectory();

const neverAborted = new AbortController().signal;
async function* chunks(bytes: Buffer, size = 70_000): AsyncGenerator<Buffer> {
  for (let index = 0; index < bytes.length; index += size) yield bytes.subarray(index, index + size);
}
async function* failingStream(bytes: Buffer): AsyncGenerator<Buffer> {
  yield* chunks(bytes);
  throw new Error('connection lost');
}
async function readAll(storage: Storage, location: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of await storage.read(location, neverAborted)) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}
const ignoreUpload = () => Promise.resolve();

let s3: TestS3;
before(async () => {
  s3 = await startS3();
});
after(() => s3.close());

const PART_BYTES = 300_000;
const STORAGES = [
  { kind: 'a directory', openStorage: () => createDirectoryStorage(folder) },
  { kind: 'a bucket', openStorage: () => createBucketStorage(s3, PART_BYTES) },
];
for (const { kind, openStorage } of STORAGES) {
  describe(`backups in ${kind}`, () => {
    test('an object of any size is read back byte for byte, and does not exist after its removal', async () => {
      const storage = openStorage();
      for (const size of [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 1_000_000]) {
        const bytes = randomBytes(size);
        const location = `${storage.name}app_1/bak_${size}.tar.gz`;
        await storage.write(location, chunks(bytes), ignoreUpload, neverAborted);
        assert.ok((await readAll(storage, location)).equals(bytes), String(size));
        await storage.remove(location, null);
        await assert.rejects(storage.read(location, neverAborted), ObjectNotFound);
        await storage.remove(location, null);
      }
    });

    test('a stream that fails leaves no object', async () => {
      const storage = openStorage();
      for (const size of [10, 1000]) {
        const location = `${storage.name}app_1/bak_broken${size}.zst`;
        await assert.rejects(
          storage.write(location, failingStream(randomBytes(size)), ignoreUpload, neverAborted),
          /connection lost/,
        );
        await assert.rejects(storage.read(location, neverAborted), ObjectNotFound);
      }
    });

    test('a storage keeps its name when it is opened again', () => {
      assert.equal(openStorage().name, openStorage().name);
    });
  });
}

test('a file can be read only by the user that wrote it, and has its final name only when it is complete', async () => {
  const storage = createDirectoryStorage(folder);
  const location = `${storage.name}app_2/bak_1.tar.gz`;
  const files = () => readdirSync(join(folder, 'backups/app_2'));
  async function* checkFilesMeanwhile() {
    yield Buffer.from('first');
    assert.deepEqual(files(), ['bak_1.tar.gz.part']);
    assert.equal(statSync(join(folder, 'backups/app_2/bak_1.tar.gz.part')).mode & 0o777, 0o600);
    yield Buffer.from('second');
  }
  await storage.write(location, checkFilesMeanwhile(), ignoreUpload, neverAborted);
  assert.deepEqual(files(), ['bak_1.tar.gz']);
  assert.equal(statSync(join(folder, 'backups/app_2')).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'backups/app_2/bak_1.tar.gz')).mode & 0o777, 0o600);
  await assert.rejects(
    storage.write(`${storage.name}app_2/bak_2.zst`, failingStream(Buffer.from('x')), ignoreUpload, neverAborted),
  );
  assert.deepEqual(files(), ['bak_1.tar.gz']);
});

test('a location outside the directory is rejected', async () => {
  const storage = createDirectoryStorage(folder);
  for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a//b', '', 'a/b/c/d/e', '.hidden']) {
    await assert.rejects(storage.read(`${storage.name}${path}`, neverAborted), /not in the data directory/, path);
  }
  await assert.rejects(storage.read('data:other#app_1/x', neverAborted), /not in the data directory/);
});

test('a cancelled write stops and stores nothing', async () => {
  for (const { kind, openStorage } of STORAGES) {
    const storage = openStorage();
    const cancellation = new AbortController();
    async function* endless() {
      for (let chunkCount = 0; ; chunkCount++) {
        if (chunkCount === 20) cancellation.abort(new Error('cancelled'));
        yield randomBytes(50_000);
      }
    }
    const location = `${storage.name}app_3/bak_1.zst`;
    await assert.rejects(storage.write(location, endless(), ignoreUpload, cancellation.signal), kind);
    await assert.rejects(storage.read(location, neverAborted), ObjectNotFound, kind);
  }
  assert.equal(existsSync(join(folder, 'backups/app_3/bak_1.zst.part')), false);
});

test('if the bucket rejects a wrong secret, the error contains its error code but not the secret', async () => {
  const storage = createBucketStorage({ ...s3, secretAccessKey: 'not-the-secret' });
  const location = `${storage.name}app_1/bak_1.zst`;
  await assert.rejects(
    storage.write(location, chunks(Buffer.from('x')), ignoreUpload, neverAborted),
    (error: Error) => {
      assert.ok(error instanceof StorageFailure);
      assert.match(error.message, /^The bucket responded with 403 SignatureDoesNotMatch\.$/);
      return true;
    },
  );
});

test('a bucket that does not exist or cannot be reached causes an error with the reason', async () => {
  const base = new URL(s3.url).origin;
  const missing = createBucketStorage({ ...s3, url: `${base}/no-such-bucket` });
  await assert.rejects(
    missing.write(`${missing.name}a/b`, chunks(Buffer.from('x')), ignoreUpload, neverAborted),
    /responded with 404 NoSuchBucket/,
  );
  const unreachable = createBucketStorage({ ...s3, url: 'http://127.0.0.1:1/backups' });
  await assert.rejects(unreachable.read(`${unreachable.name}a/b`, neverAborted), /cannot be reached/);
});

test("a signed request has the signature of AWS's example", async () => {
  // "GET Object" of the S3 API reference, Signature Calculations for the Authorization Header.
  const signer = new AwsV4Signer({
    url: 'https://examplebucket.s3.amazonaws.com/test.txt',
    method: 'GET',
    headers: {
      range: 'bytes=0-9',
      'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    },
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    service: 's3',
    region: 'us-east-1',
    datetime: '20130524T000000Z',
    allHeaders: true,
  });
  assert.match(
    await signer.authHeader(),
    /Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41$/,
  );
});

/** Starts a fake bucket, for responses that a real server cannot be made to send. */
async function startFakeBucket(
  respond: (
    request: IncomingMessage,
    body: Buffer,
  ) => { status: number; text?: string; etag?: string; location?: string } | 'break',
): Promise<{ server: Server; storage: Storage; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const hash = createHash('sha256').update(body).digest('hex');
      assert.equal(request.headers['x-amz-content-sha256'], hash);
      requests.push(`${request.method} ${request.url}`);
      const reply = respond(request, body);
      if (reply === 'break') return void request.socket.destroy();
      const { status, text = '', etag, location } = reply;
      response.writeHead(status, { ...(etag && { etag }), ...(location && { location }) }).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/bucket`;
  const storage = createBucketStorage({ url, region: 'r', accessKeyId: 'a', secretAccessKey: 's' }, 10);
  return { server, storage, requests };
}
const uploadStarted = { status: 200, text: '<X><UploadId>up&amp;1</UploadId></X>' };

test('a failed multipart upload is aborted, and its ID is reported before the first part is sent', async () => {
  const uploads: string[] = [];
  const { server, storage, requests } = await startFakeBucket((request) => {
    if (request.url?.includes('uploads=')) return uploadStarted;
    if (request.method === 'DELETE') return { status: 204 };
    return request.url?.includes('partNumber=2')
      ? { status: 403, text: '<Error><Code>AccessDenied</Code></Error>' }
      : { status: 200, etag: '"t"' };
  });
  const write = storage.write(
    `${storage.name}a/b`,
    chunks(Buffer.alloc(35), 7),
    (upload) => {
      uploads.push(upload);
      return Promise.resolve();
    },
    neverAborted,
  );
  await assert.rejects(write, /403 AccessDenied/);
  assert.deepEqual(uploads, ['up&1']);
  assert.deepEqual(requests, [
    'POST /bucket/a/b?uploads=',
    'PUT /bucket/a/b?partNumber=1&uploadId=up%261',
    'PUT /bucket/a/b?partNumber=2&uploadId=up%261',
    'DELETE /bucket/a/b?uploadId=up%261',
  ]);
  server.close();
});

test('an upload fails if the bucket responds to its completion with 200 and an error in the body', async () => {
  const { server, storage, requests } = await startFakeBucket((request) => {
    if (request.url?.includes('uploads=')) return uploadStarted;
    if (request.method === 'PUT') return { status: 200, etag: '"t"' };
    return { status: 200, text: '<Error><Code>InternalError</Code></Error>' };
  });
  await assert.rejects(
    storage.write(`${storage.name}a/b`, chunks(Buffer.alloc(25)), ignoreUpload, neverAborted),
    /200 InternalError/,
  );
  assert.equal(requests.at(-1), 'DELETE /bucket/a/b?uploadId=up%261');
  server.close();
});

test('a redirect is an error and is not followed', async () => {
  const redirectTarget = await startFakeBucket(() => ({ status: 200 }));
  const { port } = redirectTarget.server.address() as AddressInfo;
  const { server, storage } = await startFakeBucket(() => ({
    status: 307,
    location: `http://127.0.0.1:${port}/bucket/a`,
  }));
  await assert.rejects(
    storage.write(`${storage.name}a/b`, chunks(Buffer.from('abc')), ignoreUpload, neverAborted),
    /307/,
  );
  await assert.rejects(storage.read(`${storage.name}a/b`, neverAborted), /307/);
  assert.deepEqual(redirectTarget.requests, []);
  server.close();
  redirectTarget.server.close();
});

test('requests are retried if the bucket is busy or the connection breaks', async () => {
  const replies = [{ status: 503, text: '<Code>SlowDown</Code>' }, 'break', { status: 200 }] as const;
  let replyCount = 0;
  const { server, storage, requests } = await startFakeBucket(() => replies[replyCount++] ?? { status: 500 });
  await storage.write(`${storage.name}a/b`, chunks(Buffer.from('abc')), ignoreUpload, neverAborted);
  assert.equal(requests.length, 3);
  server.close();
});

test('each data directory has its own ID', () => {
  assert.match(readFileSync(join(folder, 'backups.id'), 'utf8'), /^[0-9a-f]{16}\n$/);
  const otherFolder = temporaryDirectory();
  assert.notEqual(createDirectoryStorage(otherFolder).name, createDirectoryStorage(folder).name);
});
