import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { secretKindOf } from '../authorization/secret.ts';
import { createUnknownSecretLimiter } from '../authorization/unknown-secret-limiter.ts';
import { LeakLabel, type LeakReport, LeakReports } from '../contract/leaks.ts';
import { LEAK_LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { respondToLeak } from '../credentials/leaks.ts';
import { endSessionBySecret } from '../people/sessions.ts';
import { checkJsonLimits } from '../platform/bounded-json.ts';
import type { AppContext } from './app-context.ts';
import { originOf } from './request-context.ts';
import { type Route, rawBodyOf, route } from './route.ts';
import { validationProblem } from './validation.ts';

/** Objects in an array, each with its fields and some that are ignored. */
const JSON_LIMITS = { depth: 5, values: 40 * LEAK_LIMITS.reports };

/** Parses the body after its signature was verified. Throws `invalid_request`, `too_large`, `validation_failed`. */
async function parseReports(body: Buffer): Promise<LeakReport[]> {
  await checkJsonLimits(body, JSON_LIMITS);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    // Without the parser's message, which quotes the body.
    throw new Problem('invalid_request', 'The body is not well-formed JSON.');
  }
  const result = LeakReports.safeParse(parsed);
  if (result.success) return result.data;
  throw validationProblem(result.error.issues, 'body');
}

export function leakRoutes(context: AppContext): Route[] {
  const limiter = createUnknownSecretLimiter(LEAK_LIMITS.requests, 'Too many reports from this address.');

  function limitRequests({ ip }: FastifyRequest): void {
    const now = context.clock();
    limiter.check(ip, now);
    limiter.recordUnknown(ip, now);
  }

  async function endSession(secret: string, origin: ReturnType<typeof originOf>): Promise<boolean> {
    const { people, unknownSessionLimiter, clock } = context;
    unknownSessionLimiter.check(origin.address, clock());
    if (await endSessionBySecret(people, secret, origin, 'its secret was reported as leaked')) return true;
    unknownSessionLimiter.recordUnknown(origin.address, clock());
    return false;
  }

  /** Responds to a leaked secret. Returns false for one that is not, and was not lately, of this server. */
  async function respond(report: LeakReport, origin: ReturnType<typeof originOf>): Promise<boolean> {
    const secret = report.token.trim();
    if (secretKindOf(secret) === 'session') return endSession(secret, origin);
    const record = await context.findReported(secret, origin.address);
    // A scanner that reports a secret again must not take its first report for a mistake.
    if (record === null) return context.wasDeleted(secret);
    await respondToLeak(context.credentials, record, { ...report, token: secret }, origin);
    return true;
  }

  async function report(request: FastifyRequest): Promise<LeakLabel[]> {
    const body = rawBodyOf(request);
    if (context.verifyLeakSignature === null) limitRequests(request);
    else await context.verifyLeakSignature(request.headers, body);
    const known = new Map<string, boolean>();
    const labels: LeakLabel[] = [];
    for (const found of await parseReports(body)) {
      const isKnown = known.get(found.token) ?? (await respond(found, originOf(request)));
      known.set(found.token, isKnown);
      labels.push({
        token_hash: createHash('sha256').update(found.token).digest('hex'),
        token_type: found.type?.slice(0, LEAK_LIMITS.field) ?? secretKindOf(found.token.trim()) ?? 'unknown',
        label: isKnown ? 'true_positive' : 'false_positive',
      });
    }
    // Another request may have just deleted one that is not known any more.
    if (labels.some(({ label }) => label === 'false_positive')) await context.credentials.waitForAllConfirmations(null);
    return labels;
  }

  return [
    route({
      method: 'POST',
      url: '/v1/leaks',
      essential: true,
      access: { public: true },
      summary:
        'Report leaked secrets, in the format of GitHub secret scanning: the policy of the workspace decides whether the credential is deleted before the response is sent, or only reported',
      tag: 'Introspection',
      bodyFormat: 'bytes',
      consumes: ['application/json'],
      body: LeakReports,
      responses: { 200: z.array(LeakLabel) },
      errorCodes: ['forbidden'],
      handler: ({ request }) => report(request),
    }),
  ];
}
