import S3rver from '@20minutes/s3rver';
import { temporaryDirectory } from './temporary-directory.ts';

/** A third-party S3 server on loopback with one bucket. It checks signatures. */
export interface TestS3 {
  /** URL of the bucket, with a prefix. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Directory that contains the buckets. */
  readonly folder: string;
  close(): Promise<void>;
}

export async function startS3(): Promise<TestS3> {
  const folder = temporaryDirectory();
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: folder,
    configureBuckets: [{ name: 'backups', configs: [] }],
  });
  const { port } = await server.run();
  return {
    url: `http://127.0.0.1:${port}/backups/of-devpilot`,
    region: 'us-east-1',
    // The only account of the server.
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    folder,
    close: () => server.close(),
  };
}
