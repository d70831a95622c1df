import {
  createAuthorizer,
  type GuardOptions,
  type Identity,
  type Judge,
  type Judgement,
  PRESENTED,
  readOptions,
  TIMEOUT,
} from './authorize.ts';
import { type Fastify, judgingInTurns } from './fastify.ts';
import { createMemory, type Memory } from './memory.ts';

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
interface HonoContext {
  readonly req: { readonly raw: Request };
}

function responseOf(judgement: Judgement & { allowed: false }): Response {
  const { status, headers, body } = judgement;
  return new Response(body, { status, headers });
}

/** Header lines as they are: joined where one came twice, which is no credential. */
function flat(headers: Headers): string[] {
  const lines: string[] = [];
  headers.forEach((value, name) => {
    if (PRESENTED.includes(name)) lines.push(name, value);
  });
  return lines;
}

function judgeBy(options: GuardOptions): { judge: Judge; memory: Memory | null } {
  const { mode, base, demand, address } = readOptions(options);
  const { workspace, apiKey = '', timeout = TIMEOUT } = options;
  if (mode === 'ask') return { judge: createAuthorizer(options, address, () => workspace), memory: null };
  const ask = createAuthorizer(options, address, () => workspace ?? memory.workspaceId());
  const memory = createMemory({ ...options, url: base, apiKey, demand, ask, workspace, timeout });
  return { judge: memory.judge, memory };
}

/**
 * Guards somebody else's server: only requests whose credential Devpilot accepts get through. A deleted
 * credential is refused from the moment on at which its deletion is answered, whichever the mode. Whatever
 * goes wrong refuses. Throws `TypeError` for options that demand nothing or miss what the mode needs.
 */
export function guard(options: GuardOptions) {
  const { judge, memory } = judgeBy(options);
  const passed = Symbol('passed');
  type Admitted = { [passed]?: (Judgement & { allowed: true }) | null };
  let apps = 0;

  function admit(request: object, judgement: Judgement & { allowed: true }): void {
    // A property and no WeakMap, which costs the collector more than a judgement costs.
    (request as Admitted)[passed] = judgement;
  }

  const close = async (): Promise<void> => memory?.close();

  return {
    /** Who a request that got through is from; for Hono, give `context.req.raw`. */
    identityOf: (request: object): Identity | null => (request as Admitted)[passed]?.identity ?? null,

    /** Resolves true when judgements are made from memory, for the first time; false in mode `ask`. */
    ready: async (): Promise<boolean> => (await memory?.ready()) ?? false,

    /** Reports the uses counted in memory and ends its lease. Fastify does so by itself. */
    close,

    /** A Fastify plugin: `app.register(devpilot.fastify)` guards every route of where it is registered. */
    fastify: Object.assign(
      (app: Fastify, _options: unknown, done: () => void): void => {
        apps++;
        // In the request's shape from the start. A second registration finds it there.
        if (!app.hasRequestDecorator(passed)) app.decorateRequest(passed, null);
        app.addHook('onRequest', judgingInTurns(judge, admit));
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
      const settle = (judgement: Judgement): void => {
        if (judgement.allowed) {
          admit(request, judgement);
          next();
          return;
        }
        response.statusCode = judgement.status;
        for (const [name, value] of Object.entries(judgement.headers)) response.setHeader(name, value);
        response.end(judgement.body);
      };
      const judgement = judge(request.rawHeaders, client);
      if (judgement instanceof Promise) void judgement.then(settle);
      else settle(judgement);
    },

    /** Hono middleware: `app.use(devpilot.hono)`. */
    hono: async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
      const judgement = await judge(flat(context.req.raw.headers), null);
      if (!judgement.allowed) return responseOf(judgement);
      admit(context.req.raw, judgement);
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
        const judgement = await judge(flat(request.headers), client(request));
        return judgement.allowed ? handler(request, judgement.identity) : responseOf(judgement);
      },
  };
}
