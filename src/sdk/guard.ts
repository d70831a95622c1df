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

/** What the frameworks have in common, as far as a guard needs it: it depends on none of them. */
interface NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined };
  /** Express: the client's address, through the proxies that it trusts. */
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

/** Header lines as they are: joined where one came twice, which is no credential. */
function toRawHeaders(headers: Headers): string[] {
  const rawHeaders: string[] = [];
  headers.forEach((value, name) => {
    if (CREDENTIAL_HEADERS.includes(name)) rawHeaders.push(name, value);
  });
  return rawHeaders;
}

function createAuthorization(options: GuardOptions): { judge: Authorize; memory: LeaseAuthorizer | null } {
  const { mode, base, demand: requirement, address } = readOptions(options);
  const { workspace, apiKey = '', timeout = DEFAULT_TIMEOUT_MS } = options;
  if (mode === 'ask') return { judge: createRemoteAuthorizer(options, address, () => workspace), memory: null };
  const askServer = createRemoteAuthorizer(options, address, () => workspace ?? leaseAuthorizer.workspaceId());
  const leaseAuthorizer = createLeaseAuthorizer({
    ...options,
    url: base,
    apiKey,
    requirement,
    askServer,
    workspace,
    timeout,
  });
  return { judge: leaseAuthorizer.authorize, memory: leaseAuthorizer };
}

/**
 * Guards somebody else's server: only requests whose credential Devpilot accepts get through. A deleted
 * credential is refused from the moment on at which its deletion is answered, whichever the mode. Whatever
 * goes wrong refuses. Throws `TypeError` for options that demand nothing or miss what the mode needs.
 */
export function guard(options: GuardOptions) {
  const { judge: authorize, memory: leaseAuthorizer } = createAuthorization(options);
  const DECISION = Symbol('passed');
  type Admitted = { [DECISION]?: (GuardDecision & { allowed: true }) | null };
  let apps = 0;

  function admit(request: object, decision: GuardDecision & { allowed: true }): void {
    // A property and no WeakMap, which costs the collector more than a judgement costs.
    (request as Admitted)[DECISION] = decision;
  }

  const close = async (): Promise<void> => leaseAuthorizer?.close();

  return {
    /** Who a request that got through is from; for Hono, give `context.req.raw`. */
    identityOf: (request: object): Identity | null => (request as Admitted)[DECISION]?.identity ?? null,

    /** Resolves true when judgements are made from memory, for the first time; false in mode `ask`. */
    ready: async (): Promise<boolean> => (await leaseAuthorizer?.ready()) ?? false,

    /** Reports the uses counted in memory and ends its lease. Fastify does so by itself. */
    close,

    /** A Fastify plugin: `app.register(devpilot.fastify)` guards every route of where it is registered. */
    fastify: Object.assign(
      (app: Fastify, _options: unknown, done: () => void): void => {
        apps++;
        // In the request's shape from the start. A second registration finds it there.
        if (!app.hasRequestDecorator(DECISION)) app.decorateRequest(DECISION, null);
        app.addHook('onRequest', createBatchedHook(authorize, admit));
        app.addHook('onClose', async () => {
          if (--apps === 0) await close();
        });
        done();
      },
      // Not in a scope of its own: it guards its siblings.
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

    /** Wraps a handler of `Request` (workers, Deno, Bun). `client` tells the client's address, where there is one. */
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
