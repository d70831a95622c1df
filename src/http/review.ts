import { Readable } from 'node:stream';
import { REVIEW_DAYS, REVIEW_LIMITS } from '../contract/limits.ts';
import { Review, ReviewDecision, ReviewItem, ReviewParams, ReviewQuery } from '../contract/review.ts';
import { keepCredential, listReview } from '../credentials/review.ts';
import { createReviewSnapshots } from '../credentials/review-snapshots.ts';
import type { AppContext } from './app-context.ts';
import { acceptsCsv, CSV_TYPE, type CsvColumns, headerRowOf, startCsvExport } from './csv-export.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextIn } from './request-context.ts';
import { type Route, route } from './route.ts';

const COLUMNS: CsvColumns<ReviewItem> = [
  ['risk', ({ risk }) => risk],
  ['reasons', ({ reasons }) => reasons.join(' ')],
  ['kind', ({ credential }) => credential.kind],
  ['id', ({ credential }) => credential.id],
  ['name', ({ credential }) => credential.name],
  ['status', ({ credential }) => credential.status],
  [
    'rights',
    ({ credential }) => (credential.kind === 'access_token' ? credential.scopes : credential.permissions).join(' '),
  ],
  ['usedRights', ({ usedRights }) => usedRights?.join(' ') ?? null],
  ['createdAt', ({ credential }) => credential.createdAt],
  ['createdBy', ({ credential }) => credential.createdBy?.email ?? null],
  ['lastUsedAt', ({ credential }) => credential.lastUsedAt],
  ['useCount', ({ credential }) => credential.useCount],
  ['expiresAt', ({ credential }) => credential.expiresAt],
  ['keptUntil', ({ kept }) => kept?.until ?? null],
  ['keptBy', ({ kept }) => kept?.reviewedBy.name ?? null],
  ['note', ({ kept }) => kept?.note ?? null],
];

export function reviewRoutes(context: AppContext): Route[] {
  const { credentials } = context;
  const findSnapshot = createReviewSnapshots();
  const tag = 'Review';
  return [
    route({
      method: 'GET',
      url: '/v1/review',
      access: { person: 'admin' },
      summary: 'List credentials to review',
      description: `With the reasons, highest risk first. With \`Accept: text/csv\`, streams up to ${REVIEW_LIMITS.csvRows.toLocaleString('en')} credentials.`,
      tag,
      query: ReviewQuery,
      responses: { 200: Review },
      contentTypes: { 'application/json': null, 'text/csv': headerRowOf(COLUMNS) },
      handler: async ({ query, request, reply }) => {
        const list = (pageQuery: ReviewQuery) =>
          listReview(credentials, findSnapshot, workspaceIdOf(request), pageQuery);
        if (!acceptsCsv(request)) return list(query);
        const rows = await startCsvExport(COLUMNS, REVIEW_LIMITS.csvRows, query, list);
        reply.header('content-disposition', 'attachment; filename="review.csv"');
        return reply.type(CSV_TYPE).send(Readable.from(rows));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/review/:credential',
      access: { person: 'admin' },
      summary: 'Keep a reviewed credential',
      description: `Records the decision and leaves the credential out of the review for ${REVIEW_DAYS.kept} days, unless a new reason arises.`,
      tag,
      params: ReviewParams,
      body: ReviewDecision,
      responses: { 200: ReviewItem },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        keepCredential(credentials, requestContextIn(workspaceIdOf(request), request), params.credential, body),
    }),
  ];
}
