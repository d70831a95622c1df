import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createLeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import { secretKindOf } from '../authorization/secret.ts';
import { LeakLabel, type LeakReport, LeakReports } from '../contract/leaks.ts';
import { LEAK_LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { respondToLeak } from '../credentials/leaks.ts';
import { endSessionBySecret, wasSessionEndedBySecret } from '../people/sessions.ts';
import { checkJsonLimits } from '../platform/bounded-json.ts';
import type { AppContext } from './app-context.ts';
import { clientAddressOf } from './client-address.ts';
import { originOf } from './request-context.ts';
import { type Route, rawBodyOf, route } from './route.ts';
import { validationProblem } from './validation.ts';

/** Sufficient for the maximum number of reports, with unknown fields, which are ignored. */
const REPORT_JSON_LIMITS = { depth: 5, values: 40 * LEAK_LIMITS.reports };

/**
 * Parses a body. Fastify does not parse it, because the signature is that of its bytes. Throws `invalid_request`,
 * `too_large`, `validation_failed`.
 */
async function parseReports(body: Buffer): Promise<LeakReport[]> {
  await checkJsonLimits(body, REPORT_JSON_LIMITS);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    // Do not send the parser's message, which quotes the body.
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
  const result = LeakReports.safeParse(parsed);
  if (result.success) return result.data;
  throw validationProblem(result.error.issues, 'body');
}

export function leakRoutes(context: AppContext): Route[] {
  const limiter = createLeakyBucketLimiter(LEAK_LIMITS.requests, 'Too many reports from this address.');

  function limitRequests(request: FastifyRequest): void {
    const address = clientAddressOf(request);
    const now = context.clock();
    limiter.check(address, now);
    limiter.count(address, now);
  }

  async function endSession(secret: string, origin: ReturnType<typeof originOf>): Promise<boolean> {
    const { people, unknownSessionLimiter, clock } = context;
    unknownSessionLimiter.check(origin.address, clock());
    if (await endSessionBySecret(people, secret, origin, 'its secret was reported as leaked')) return true;
    if (await wasSessionEndedBySecret(people, secret)) return true;
    unknownSessionLimiter.count(origin.address, clock());
    return false;
  }

  /**
   * Responds to a leaked secret. Returns whether it is the secret of a session or a credential of this installation, of
   * a session that was recently reported or revoked by its secret, or of a credential that was recently deleted.
   */
  async function respondToReport(report: LeakReport, origin: ReturnType<typeof originOf>): Promise<boolean> {
    const secret = report.token.trim();
    if (secretKindOf(secret) === 'session') return endSession(secret, origin);
    const record = await context.findReportedCredential(secret, origin.address);
    // A credential that was deleted because of an earlier report must not be labeled as a false positive.
    if (record === null) return context.wasDeleted(secret);
    await respondToLeak(context.credentials, record, { ...report, token: secret }, origin);
    return true;
  }

  async function processReports(request: FastifyRequest): Promise<LeakLabel[]> {
    const body = rawBodyOf(request);
    if (context.verifyLeakSignature === null) limitRequests(request);
    else await context.verifyLeakSignature(request.headers, body);
    const isKnownBySecret = new Map<string, boolean>();
    const labels: LeakLabel[] = [];
    for (const report of await parseReports(body)) {
      const { token, type } = report;
      const isKnown = isKnownBySecret.get(token) ?? (await respondToReport(report, originOf(request)));
      isKnownBySecret.set(token, isKnown);
      labels.push({
        token_hash: createHash('sha256').update(token).digest('hex'),
        token_type: type?.slice(0, LEAK_LIMITS.field) ?? secretKindOf(token.trim()) ?? 'unknown',
        label: isKnown ? 'true_positive' : 'false_positive',
      });
    }
    // A secret that was not found may belong to a credential that another request is deleting. Do not respond while a
    // node may still accept it.
    if (labels.some(({ label }) => label === 'false_positive')) await context.credentials.waitForAllConfirmations(null);
    return labels;
  }

  return [
    route({
      method: 'POST',
      url: '/v1/leaks',
      essential: true,
      access: { public: true },
      summary: 'Report leaked secrets',
      description:
        'Accepts the format of GitHub secret scanning. The policy of the workspace determines whether a leaked credential is deleted before the response is sent, or only reported to the workspace. A leaked session is always ended.',
      tag: 'Introspection',
      bodyFormat: 'bytes',
      consumes: ['application/json'],
      body: LeakReports,
      responses: { 200: z.array(LeakLabel) },
      errorCodes: ['forbidden'],
      handler: ({ request }) => processReports(request),
    }),
  ];
}
