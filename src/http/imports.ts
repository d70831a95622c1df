import { CredentialImport, ImportCredentials, ImportQuery } from '../contract/imports.ts';
import { importCredentials } from '../credentials/import.ts';
import type { AppContext } from './app-context.ts';
import { requestContextOf } from './request-context.ts';
import { type Route, route } from './route.ts';

/** Sufficient for the maximum number of credentials with several restrictions each. */
const IMPORT_JSON_LIMITS = { depth: 6, values: 50_000 };

export function importRoutes(context: AppContext): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/credentials/import',
      access: { person: 'admin' },
      summary: 'Import credentials',
      description:
        'Imports credentials of other systems by the SHA-256 digests of their secrets. Imports all of them or none.',
      tag: 'Credential import',
      query: ImportQuery,
      body: ImportCredentials,
      jsonLimits: IMPORT_JSON_LIMITS,
      longArray: 'credentials',
      responses: { 200: CredentialImport },
      errorCodes: ['idempotent_replay'],
      handler: ({ query, body, request }) => {
        const isDryRun = query.dryRun === 'true';
        return importCredentials(context.credentials, requestContextOf(context, request), body.credentials, isDryRun);
      },
    }),
  ];
}
