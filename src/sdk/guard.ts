import { createBatchedHook, type Fastify } from './fastify.ts';
import { createLeaseAuthorizer, type LeaseAuthorizer } from './lease-authorizer.ts';
import {
  type Authorize,
  CREDENTIAL_HEADERS,
  createRemoteAuthorizer,
  DEFAULT_TIMEOUT_MS,
  type GuardDecision,
  type GuardOptions,
  type Identity,
  readOptions,
} from './remote-authorizer.ts';

export type { GuardOptions, Identity } from './remote-authorizer.ts';

/** The parts of the frameworks' requests that a guard uses, so that the SDK does not depend on any framework. */
interface NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined };
  /** Express: the client's address, considering its trusted proxies. */
  readonly ip?: string | undefined;
}
interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}
interface HonoContext {
  readonly req: { readonly raw: Request };
}

function toResponse(decision: GuardDecision & { allowed: false }): Response {
  const { status, headers, body } = decision;
  return new Response(body, { status, headers });
}

/**
 * Returns the credential headers as a raw list. A repeated credential is refused, because `Headers` joins its values.
 */
function toRawHeaders(headers: Headers): string[] {
  const rawHeaders: string[] = [];
  headers.forEach((value, name) => {
    if (CREDENTIAL_HEADERS.includes(name)) rawHeaders.push(name, value);
  });
  return rawHeaders;
}

function createAuthorization(options: GuardOptions): {
  authorize: Authorize;
  leaseAuthorizer: LeaseAuthorizer | null;
} {
  const { mode, base, requirement, authorizeUrl } = readOptions(options);
  const { workspace, apiKey = '', timeout = DEFAULT_TIMEOUT_MS } = options;
  if (mode === 'ask')
    return { authorize: createRemoteAuthorizer(options, authorizeUrl, () => workspace), leaseAuthorizer: null };
  const authorizeRemotely = createRemoteAuthorizer(
    options,
    authorizeUrl,
    () => workspace ?? leaseAuthorizer.workspaceId(),
  );
  const leaseAuthorizer = createLeaseAuthorizer({
    ...options,
    url: base,
    apiKey,
    requirement,
    authorizeRemotely,
    workspace,
    timeout,
  });
  return { authorize: leaseAuthorizer.authorize, leaseAuthorizer };
}

/**
 * Creates a guard for your own server: only requests with a credential that Devpilot accepts are admitted. In either
 * mode, a deleted credential is refused as soon as its deletion has been confirmed. Any error refuses the request.
 * Throws `TypeError` if an option is invalid or missing.
 */
export function guard(options: GuardOptions) {
  const { authorize, leaseAuthorizer } = createAuthorization(options);
  const decisionKey = Symbol('decision');
  type Admitted = { [decisionKey]?: (GuardDecision & { allowed: true }) | null };
  let registeredApps = 0;

  function admit(request: object, decision: GuardDecision & { allowed: true }): void {
    // A property, because a WeakMap costs the garbage collector more than a whole decision (`bench/guard.ts`).
    (request as Admitted)[decisionKey] = decision;
  }

  const close = async (): Promise<void> => leaseAuthorizer?.close();

  return {
    /** Returns the identity of an admitted request, or null; for Hono, pass `context.req.raw`. */
    identityOf: (request: object): Identity | null => (request as Admitted)[decisionKey]?.identity ?? null,

    /** Resolves to true once the first lease is granted; to false in mode `ask`, or if the guard is closed before. */
    ready: async (): Promise<boolean> => (await leaseAuthorizer?.ready()) ?? false,

    /**
     * Reports the uses that have not been reported yet, and releases the lease. The Fastify plugin calls this when the
     * last app that it guards closes.
     */
    close,

    /** A Fastify plugin: `app.register(devpilot.fastify)` guards every route of the instance it is registered on. */
    fastify: Object.assign(
      (app: Fastify, _options: unknown, done: () => void): void => {
        registeredApps++;
        // Decorated, so that the property is part of the request's shape from the start.
        if (!app.hasRequestDecorator(decisionKey)) app.decorateRequest(decisionKey, null);
        app.addHook('onRequest', createBatchedHook(authorize, admit));
        app.addHook('onClose', async () => {
          if (--registeredApps === 0) await close();
        });
        done();
      },
      // Without encapsulation, the hook applies to the instance on which the plugin is registered.
      { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: '@devpilot/sdk' },
    ),

    /** Express and Connect middleware: `app.use(devpilot.express)`. */
    express: (request: NodeRequest, response: NodeResponse, next: () => void): void => {
      const client = request.ip ?? request.socket.remoteAddress ?? null;
      const applyDecision = (decision: GuardDecision): void => {
        if (decision.allowed) {
          admit(request, decision);
          next();
          return;
        }
        response.statusCode = decision.status;
        for (const [name, value] of Object.entries(decision.headers)) response.setHeader(name, value);
        response.end(decision.body);
      };
      const decision = authorize(request.rawHeaders, client);
      if (decision instanceof Promise) void decision.then(applyDecision);
      else applyDecision(decision);
    },

    /** Hono middleware: `app.use(devpilot.hono)`. */
    hono: async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
      const decision = await authorize(toRawHeaders(context.req.raw.headers), null);
      if (!decision.allowed) return toResponse(decision);
      admit(context.req.raw, decision);
      await next();
      return undefined;
    },

    /** Wraps a `Request` handler (workers, Deno, Bun). `client` returns the client's address, or null if unknown. */
    wrap:
      (
        handler: (request: Request, identity: Identity) => Response | Promise<Response>,
        client: (request: Request) => string | null = () => null,
      ) =>
      async (request: Request): Promise<Response> => {
        const decision = await authorize(toRawHeaders(request.headers), client(request));
        return decision.allowed ? handler(request, decision.identity) : toResponse(decision);
      },
  };
}
