import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';
import type { AuthenticationRequest, AuthenticationResult } from '../authorization/authenticate.ts';
import { batchPerTurn } from '../authorization/batch-per-turn.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import type { ResourceCheck } from '../authorization/restricted-use.ts';
import { effectiveRightNamesOf } from '../authorization/rights.ts';
import { toIsoString } from '../contract/instant.ts';
import { Problem, type RateState } from '../contract/problem.ts';
import { HEADERS } from '../contract/vocabulary.ts';
import type { AppContext } from './app-context.ts';
import { readCredentials, singleHeaderValue } from './credentials-from-request.ts';
import { problemOfDecision } from './decision-problem.ts';
import { enableLingeringClose } from './lingering-close.ts';
import { withMisplacedSecretHint } from './misplaced-secret.ts';
import { logInternalError, serializeProblem, toProblem } from './problems.ts';
import { invalidParameterProblem, type ProxyRequirement, parseRequirement } from './proxy-requirement.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { isRequestedWorkspace } from './requested-workspace.ts';
import { isAllowed } from './resource-access.ts';
import { formatHttpDate, isSunsetDue, withSunset } from './sunset.ts';

/** Maximum number of entries per cache of parsed requirements, encoded names, formatted rights and expiry dates. */
const MAX_CACHE_ENTRIES = 2000;
/** Maximum length of a cached URL. Longer URLs are parsed each time, so that clients cannot fill the memory. */
const MAX_CACHED_URL_LENGTH = 1000;

/** Caches the results of `compute`, and drops all of them at `MAX_CACHE_ENTRIES`. */
function memoize<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const cache = new Map<Key, Value>();
  return (key) => {
    let value = cache.get(key);
    if (value === undefined) {
      if (cache.size >= MAX_CACHE_ENTRIES) cache.clear();
      cache.set(key, (value = compute(key)));
    }
    return value;
  };
}

/**
 * Returns the HTTP status of a problem for proxies. nginx turns refusals with any status except 401 and 403 into 500.
 * Problems with 403, and valid credentials over their rate limit, get 403. Other problems with 4xx get 401, and
 * problems with 5xx get 503.
 */
export function proxyStatusOf({ status, extensions }: Problem): 401 | 403 | 503 {
  if (status === 403 || extensions.rate !== undefined) return 403;
  return status >= 500 ? 503 : 401;
}

const WORKSPACE_HEADER = HEADERS.workspace.toLowerCase();

const EMPTY_IDENTITY_HEADERS = {
  [HEADERS.credentialId]: '',
  [HEADERS.credentialKind]: '',
  [HEADERS.credentialName]: '',
  [HEADERS.workspaceId]: '',
  [HEADERS.scopes]: '',
  [HEADERS.permissions]: '',
  [HEADERS.expiresAt]: '',
};

/** What the handler needs from the HTTP server, because it bypasses Fastify. */
export interface AuthorizeHandlerOptions {
  /** Returns the request ID that the client sent, or a new one. */
  requestIdOf(request: IncomingMessage): string;
  /** Returns the client's address. Forwarding headers are used only if a trusted proxy sent them. */
  addressOf(request: IncomingMessage): string;
  readonly log: FastifyBaseLogger;
}

/** Maximum number of requests that are authorized before the first response is sent. */
const MAX_BATCH_SIZE = 64;

/** A request that is processed at the end of the current turn of the event loop. */
interface PendingRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

/** The credential of an authorized request, and the state of its rate limit. */
interface Accepted {
  readonly record: CredentialRecord;
  readonly rate?: RateState | null;
}

/** The result of authorizing a request; a `Problem` if it is denied. */
type AuthorizationResult = Accepted | Problem;

const NO_HEADERS: readonly string[] = [];

/**
 * Handles `/v1/authorize`, which reverse proxies call with the credential of each request that they receive. The method
 * and body are meant for the service behind the proxy and are ignored. Responds with 200, 401, 403 or 503 only, and
 * always with every identity header, so that the proxy overwrites headers that a client forged (as in CVE-2026-30851).
 *
 * The handler is optimized in two ways; `npm run bench -- authorize` measures them together, against a route that has
 * neither. It runs directly on Node's server, because Fastify's request handling costs more than the authorization. And
 * it processes requests that arrive in one turn of the event loop as a batch, because waking the proxy is the largest
 * cost, which a batch pays once. Without batches, `PendingRequest` and `batchPerTurn` could be deleted.
 */
export function createAuthorizeHandler(
  context: AppContext,
  { requestIdOf, addressOf, log }: AuthorizeHandlerOptions,
): (request: IncomingMessage, response: ServerResponse, requestId?: string) => void {
  const { authenticator, passphraseVerifier, clock } = context;
  const { isForeignSecret } = context.credentials;
  const cachedRequirement = memoize(parseRequirement);
  const requirementFromUrl = (url: string) =>
    url.length > MAX_CACHED_URL_LENGTH ? parseRequirement(url) : cachedRequirement(url);
  const encode = memoize((name: string) => encodeURIComponent(name));
  const formatExpiry = memoize((expiresAt: number) => ({
    iso: toIsoString(expiresAt),
    httpDate: formatHttpDate(expiresAt),
  }));
  const formatRights = {
    access_token: memoize((rights: number) => effectiveRightNamesOf('access_token', rights).join(' ')),
    api_key: memoize((rights: number) => effectiveRightNamesOf('api_key', rights).join(' ')),
  };

  function refuse({ request, response, requestId }: PendingRequest, reason: Problem): void {
    logInternalError(reason, log, requestId);
    const responseStatus = proxyStatusOf(reason);
    const problem = withMisplacedSecretHint(reason, request);
    const { headers, body } = serializeProblem(problem, responseStatus, request, requestId);
    const length = Buffer.byteLength(body);
    response
      .writeHead(responseStatus, {
        [HEADERS.requestId]: requestId,
        ...EMPTY_IDENTITY_HEADERS,
        ...headers,
        'content-length': length,
      })
      .end(body);
  }

  function accept(response: ServerResponse, requestId: string, { record, rate = null }: Accepted): void {
    const isToken = record.kind === 'access_token';
    const rights = formatRights[record.kind](record.rights);
    const { expiresAt } = record;
    const expiry = expiresAt === null ? null : formatExpiry(expiresAt);
    const hasSunset = expiresAt !== null && isSunsetDue(expiresAt, clock());
    response
      .writeHead(200, [
        HEADERS.requestId,
        requestId,
        HEADERS.credentialId,
        record.id,
        HEADERS.credentialKind,
        record.kind,
        HEADERS.credentialName,
        encode(record.name),
        HEADERS.workspaceId,
        record.workspace.id,
        HEADERS.scopes,
        isToken ? rights : '',
        HEADERS.permissions,
        isToken ? '' : rights,
        HEADERS.expiresAt,
        expiry?.iso ?? '',
        // Otherwise a shared cache could return this response to requests without a credential.
        'Cache-Control',
        'no-store',
        'Content-Length',
        '0',
        ...(hasSunset && expiry !== null ? ['Sunset', expiry.httpDate] : NO_HEADERS),
        ...(rate === null ? NO_HEADERS : Object.entries(rateLimitHeaders(rate)).flat()),
      ])
      .end();
  }

  function respond(pending: PendingRequest, result: AuthorizationResult): void {
    const { request, response, requestId } = pending;
    // The body is meant for another service and was not read.
    if (!request.complete) enableLingeringClose(request, response);
    try {
      if (result instanceof Problem) refuse(pending, result);
      else accept(response, requestId, result);
    } catch (error) {
      refuse(pending, toProblem(error));
    }
  }

  function resultOf(
    authentication: AuthenticationResult,
    authenticationRequest: AuthenticationRequest,
    requirement: ProxyRequirement,
  ): AuthorizationResult {
    const { decision, record, rate = null } = authentication;
    if (decision === 'ok' && record !== null) return { record, rate };
    const now = clock();
    const { address } = authenticationRequest;
    const problem =
      decision === 'insufficient_scope' && requirement.invalidParameter !== null
        ? invalidParameterProblem(requirement.invalidParameter)
        : problemOfDecision(authentication, requirement, { address, now, passphraseVerifier });
    return withSunset(problem, record, now);
  }

  /** Returns the check of the resources that a proxy names; undefined if it names none. */
  function namedResourceCheckOf({ resources }: ProxyRequirement): ResourceCheck | undefined {
    const [first] = resources;
    if (first === undefined) return undefined;
    if (resources.length === 1)
      return (allowed, workspaceId) => isAllowed(context, first.type, workspaceId, first.idOrSlug, allowed);
    return async (allowed, workspaceId) => {
      for (const { type, idOrSlug } of resources)
        if (!(await isAllowed(context, type, workspaceId, idOrSlug, allowed))) return false;
      return true;
    };
  }

  /** Returns the check of the workspace that a request names. Null (for a repeated header) matches no workspace. */
  function workspaceCheckOf(requestedIdOrSlug: string | null): AuthenticationRequest['checkWorkspace'] {
    return (workspaceId) => requestedIdOrSlug !== null && isRequestedWorkspace(context, requestedIdOrSlug, workspaceId);
  }

  function authorizeRequest({
    request,
    requestId,
  }: PendingRequest): AuthorizationResult | Promise<AuthorizationResult> {
    const credentials = readCredentials(request, null, isForeignSecret);
    if (credentials.kind === 'none') throw new Problem('missing_credential');
    if (credentials.kind === 'session')
      throw new Problem('invalid_token', 'This route requires an access token or an API key.');
    const requirement = requirementFromUrl(request.url ?? '');
    const workspace = singleHeaderValue(request.rawHeaders, WORKSPACE_HEADER);
    const authenticationRequest = {
      secret: credentials.secret,
      passphrase: credentials.passphrase,
      address: addressOf(request),
      userAgent: singleHeaderValue(request.rawHeaders, 'user-agent') ?? null,
      requestId,
      checkResource: namedResourceCheckOf(requirement),
      checkWorkspace: workspace === undefined || workspace === '' ? undefined : workspaceCheckOf(workspace),
    };
    const authentication = authenticator.authenticate(authenticationRequest, requirement);
    return authentication instanceof Promise
      ? authentication.then((settled) => resultOf(settled, authenticationRequest, requirement)).catch(toProblem)
      : resultOf(authentication, authenticationRequest, requirement);
  }

  function authorizeSafely(pending: PendingRequest): AuthorizationResult | Promise<AuthorizationResult> {
    try {
      return authorizeRequest(pending);
    } catch (error) {
      return toProblem(error);
    }
  }

  const enqueue = batchPerTurn<PendingRequest>(MAX_BATCH_SIZE, (batch) => {
    const results = batch.map(authorizeSafely);
    for (const [index, result] of results.entries()) {
      const pending = batch[index];
      if (pending === undefined) continue;
      if (result instanceof Promise) void result.then((settled) => respond(pending, settled));
      else respond(pending, result);
    }
  });

  return (request, response, requestId = requestIdOf(request)) => enqueue({ request, response, requestId });
}
