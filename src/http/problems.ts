import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { CODES, type Code } from '../contract/error-codes.ts';
import { Problem, type ProblemExtensions } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import { withMisplacedSecretHint } from './misplaced-secret.ts';
import { toErrorDescription, toOAuthError } from './oauth-errors.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';

/**
 * Returns the `error` parameter (RFC 6750, section 3.1) for an error code and the sent status. Returns null for
 * `missing_credential`, as that section requires, and for `rate_limited`, for which it defines no value.
 */
function bearerError(code: Code, status: number): string | null {
  if (code === 'missing_credential' || code === 'rate_limited') return null;
  if (code === 'invalid_request') return code;
  return status === 403 ? 'insufficient_scope' : 'invalid_token';
}

/** Returns the Bearer challenge of `WWW-Authenticate` (RFC 6750, section 3). */
function bearerChallenge(code: Code, status: number, detail: string, required: readonly string[] | undefined): string {
  const error = bearerError(code, status);
  if (error === null) return 'Bearer realm="devpilot"';
  // The name of a required right can contain characters that RFC 6749, section 3.3, does not allow.
  const scopes = required?.map((right) => right.replace(/[^\x21\x23-\x5b\x5d-\x7e]/g, '?')).join(' ');
  const scope = scopes === undefined ? '' : `, scope="${scopes}"`;
  return `Bearer realm="devpilot", error="${error}", error_description="${toErrorDescription(detail)}"${scope}`;
}

const BASIC_CHALLENGE = 'Basic realm="devpilot", charset="UTF-8"';

/**
 * Whether a request comes from a browser, which would show its own password dialog for a Basic challenge. Browsers
 * send Fetch metadata only in secure contexts, but all of them begin their `User-Agent` with `Mozilla/`.
 */
function isBrowser({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-mode'] !== undefined || /^mozilla\//i.test(headers['user-agent'] ?? '');
}

/**
 * Returns the value of `WWW-Authenticate`. Clients such as wget and git send a user name and password only after a
 * Basic challenge. Both challenges are in one header, because some proxies forward only one of several.
 */
function challengesOf({ code, message, extensions }: Problem, status: number, request: IncomingMessage): string {
  const bearer = bearerChallenge(code, status, message, extensions.required);
  return status === 401 && !isBrowser(request) ? `${bearer}, ${BASIC_CHALLENGE}` : bearer;
}

/** Returns the body of a problem (RFC 9457). */
function problemBody(code: Code, status: number, detail: string, extensions: ProblemExtensions, requestId: string) {
  const { errors, required, reasons, id, error } = extensions;
  return {
    type: `/docs/problems/${code}`,
    title: CODES[code].title,
    status,
    detail,
    code,
    requestId,
    ...(errors !== undefined && { errors }),
    ...(required !== undefined && { required }),
    ...(reasons !== undefined && { reasons }),
    ...(id !== undefined && { id }),
    ...(error !== undefined && { error }),
  };
}

/**
 * Returns the headers and body of a problem. The body also contains `additionalMembers`, such as those of an OAuth
 * error.
 */
export function serializeProblem(
  problem: Problem,
  status: number,
  request: IncomingMessage,
  requestId: string,
  additionalMembers: object = {},
): { headers: Record<string, string>; body: string } {
  const { code, message, extensions } = problem;
  return {
    headers: {
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
      ...((status === 401 || status === 403) && {
        'www-authenticate': challengesOf(problem, status, request),
      }),
      ...(extensions.retryAfter !== undefined && { 'retry-after': String(extensions.retryAfter) }),
      ...(extensions.rate !== undefined && rateLimitHeaders(extensions.rate)),
      ...(extensions.sunset !== undefined && { sunset: extensions.sunset }),
      ...(extensions.allow !== undefined && { allow: extensions.allow.join(', ') }),
    },
    body: JSON.stringify({ ...problemBody(code, status, message, extensions, requestId), ...additionalMembers }),
  };
}

/** Sends a problem. Pass `status` only to override the status of the problem's code. */
export function sendProblem(reply: FastifyReply, problem: Problem, status: number = problem.status): FastifyReply {
  const { headers, body } = serializeProblem(problem, status, reply.request.raw, reply.request.id);
  return reply.code(status).headers(headers).send(Buffer.from(body));
}

const FASTIFY_ERROR_CODES: Readonly<Record<string, Code>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};

/** Converts any thrown value into a problem. An unexpected error becomes the cause of an `internal` problem. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code = '', statusCode = 500, message } = (error ?? {}) as Partial<FastifyError>;
  const mappedCode = FASTIFY_ERROR_CODES[code];
  if (mappedCode !== undefined) return new Problem(mappedCode);
  if (statusCode >= 400 && statusCode < 500) {
    // The message can quote the URL, which can contain a secret by mistake.
    const detail = code === '' ? 'The body is not well-formed.' : redactSecrets((message ?? '').split('\n')[0] ?? '');
    return new Problem('invalid_request', detail);
  }
  return new Problem(
    'internal',
    'Internal error. If the request makes a change, check whether it was made before you try again.',
    { cause: error },
  );
}

/** Logs the cause of an unexpected error (`internal`). Does not log other problems. */
export function logInternalError(problem: Problem, log: FastifyBaseLogger, requestId: string): void {
  if (problem.code !== 'internal') return;
  log.error({ requestId, err: problem.extensions.cause ?? problem }, 'unexpected error');
}

/** The server's error handler: sends a problem, or an OAuth error on OAuth routes, and logs unexpected errors. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = withMisplacedSecretHint(toProblem(error), request.raw);
  logInternalError(problem, request.log, request.id);
  if (!request.routeOptions.config?.isOAuth) return sendProblem(reply, problem);
  const { status, members } = toOAuthError(problem);
  const { headers, body } = serializeProblem(problem, status, request.raw, request.id, members);
  return reply
    .code(status)
    .headers({ ...headers, 'content-type': 'application/json' })
    .send(Buffer.from(body));
}

/** Returns a complete HTTP response, for a connection on which Node received no request that it can handle. */
export function rawProblemResponse(code: Code, requestId: string): string {
  const { status, title } = CODES[code];
  const body = JSON.stringify(problemBody(code, status, title, {}, requestId));
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: ${requestId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
