import type { ErrorKey } from '../contract/errors.ts';
import { expectStatus, type TestPerson } from './test-server.ts';

/** Creates an error key, with which Sentry's SDKs submit errors. `fields` are added to the body of the request. */
export async function createErrorKey(person: TestPerson, fields: object = {}): Promise<ErrorKey> {
  const body = { name: 'Shop in browsers', ...fields };
  return expectStatus(await person.call<ErrorKey>('/v1/errors/keys', { body }), 201);
}

/** Returns the headers with which Sentry's SDKs authenticate. */
export const sentryAuth = (publicKey: string): { 'x-sentry-auth': string } => ({
  'x-sentry-auth': `Sentry sentry_version=7, sentry_key=${publicKey}`,
});
