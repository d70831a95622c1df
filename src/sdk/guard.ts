import { createAuthorizer, type GuardOptions, type HeaderLines, type Identity, type Judgement } from './authorize.ts';

export type { GuardOptions, Identity } from './authorize.ts';

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
interface FastifyRequest {
  readonly raw: NodeRequest;
  readonly ip: string;
}
interface FastifyReply {
  code(status: number): FastifyReply;
  header(name: string, value: string): FastifyReply;
  send(body: string): FastifyReply;
}
interface Fastify {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown;
}
interface HonoContext {
  readonly req: { readonly raw: Request };
}

/** The header lines of a Node request, repeated ones too: `headers` silently keeps the first. */
function* linesOf(rawHeaders: readonly string[]): HeaderLines & Generator<readonly [string, string]> {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) yield [rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''];
}

function responseOf(judgement: Judgement & { allowed: false }): Response {
  const { status, headers, body } = judgement;
  return new Response(body, { status, headers });
}

/**
 * Guards somebody else's server: only requests whose credential Devpilot accepts get through. Each check
 * asks `/v1/authorize`, so a deleted token is refused by the next request. Whatever goes wrong refuses.
 * Throws `TypeError` for options that demand nothing.
 */
export function guard(options: GuardOptions) {
  const judge = createAuthorizer(options);
  const identities = new WeakMap<object, Identity>();

  return {
    /** Who a request that got through is from; for Hono, give `context.req.raw`. */
    identityOf: (request: object): Identity | null => identities.get(request) ?? null,

    /** A Fastify plugin: `app.register(devpilot.fastify)` guards every route of where it is registered. */
    fastify: Object.assign(
      (app: Fastify, _options: unknown, done: () => void): void => {
        app.addHook('onRequest', async (request, reply) => {
          const judgement = await judge(linesOf(request.raw.rawHeaders), request.ip);
          if (judgement.allowed) {
            identities.set(request, judgement.identity);
            return undefined;
          }
          reply.code(judgement.status);
          for (const [name, value] of Object.entries(judgement.headers)) reply.header(name, value);
          return reply.send(judgement.body);
        });
        done();
      },
      // Not in a scope of its own: it guards its siblings.
      { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: '@devpilot/sdk' },
    ),

    /** Express and Connect middleware: `app.use(devpilot.express)`. */
    express: (request: NodeRequest, response: NodeResponse, next: () => void): void => {
      const client = request.ip ?? request.socket.remoteAddress ?? null;
      void judge(linesOf(request.rawHeaders), client).then((judgement) => {
        if (judgement.allowed) {
          identities.set(request, judgement.identity);
          next();
          return;
        }
        response.statusCode = judgement.status;
        for (const [name, value] of Object.entries(judgement.headers)) response.setHeader(name, value);
        response.end(judgement.body);
      });
    },

    /** Hono middleware: `app.use(devpilot.hono)`. */
    hono: async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
      const judgement = await judge(context.req.raw.headers);
      if (!judgement.allowed) return responseOf(judgement);
      identities.set(context.req.raw, judgement.identity);
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
        const judgement = await judge(request.headers, client(request));
        return judgement.allowed ? handler(request, judgement.identity) : responseOf(judgement);
      },
  };
}
