import { batchPerTurn } from '../authorization/batch-per-turn.ts';
import { type Authorize, createRefusal, type GuardDecision } from './remote-authorizer.ts';

interface FastifyRequest {
  readonly raw: { readonly rawHeaders: readonly string[] };
  readonly ip: string;
}
interface FastifyReply {
  code(status: number): FastifyReply;
  header(name: string, value: string): FastifyReply;
  send(body: string): FastifyReply;
}
/** The part of Fastify's API that a guard uses, so that the SDK does not depend on Fastify. */
export interface Fastify {
  hasRequestDecorator(name: symbol): boolean;
  decorateRequest(name: symbol, value: null): unknown;
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
  addHook(name: 'onClose', hook: () => Promise<void>): unknown;
}

/** The asynchronous context of a request, which preserves its values in every `AsyncLocalStorage`. */
interface AsyncScope {
  runInAsyncScope<Args extends readonly unknown[], Result>(
    work: (...args: Args) => Result,
    self: null,
    ...args: Args
  ): Result;
}

interface PendingRequest {
  readonly scope: AsyncScope;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly next: () => void;
  decision: GuardDecision | Promise<GuardDecision>;
}

/** Maximum number of requests decided in one batch. */
const MAX_BATCH_SIZE = 64;
const UNAVAILABLE = createRefusal('unavailable');

type AsyncResource = new (type: string) => AsyncScope;

function loadAsyncResource(): AsyncResource {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { AsyncResource?: AsyncResource } | undefined };
  };
  const asyncResource = process?.getBuiltinModule?.('node:async_hooks')?.AsyncResource;
  if (asyncResource === undefined) throw new TypeError('The Fastify plugin requires a runtime with node:async_hooks.');
  return asyncResource;
}

/**
 * Returns a hook that authorizes the requests of one turn of the event loop together and then lets them continue
 * (`docs/adr/0015-batches-per-turn.md`). The code and tables of a decision are then loaded into the processor's caches
 * only once per turn; loading them is most of the cost of a decision. To check whether batches are still faster, let
 * this hook authorize each request directly and compare the throughput of the guarded route in `bench/guard.ts`; if it
 * does not decrease, delete the batches and the async scopes. Each request continues in its own asynchronous context.
 * Any error refuses the request.
 */
export function createBatchedHook(
  authorize: Authorize,
  admit: (request: object, decision: GuardDecision & { allowed: true }) => void,
) {
  const Resource = loadAsyncResource();

  function decideSafely({ request }: PendingRequest): GuardDecision | Promise<GuardDecision> {
    try {
      return authorize(request.raw.rawHeaders, request.ip);
    } catch {
      return UNAVAILABLE;
    }
  }

  function applyDecision({ request, reply, next }: PendingRequest, decision: GuardDecision): void {
    if (decision.allowed) {
      admit(request, decision);
      next();
      return;
    }
    reply.code(decision.status);
    for (const [name, value] of Object.entries(decision.headers)) reply.header(name, value);
    reply.send(decision.body);
  }

  function continueRequest(pending: PendingRequest): void {
    const { decision } = pending;
    if (decision instanceof Promise) void decision.then((resolved) => applyDecision(pending, resolved));
    else applyDecision(pending, decision);
  }

  const enqueue = batchPerTurn<PendingRequest>(MAX_BATCH_SIZE, (batch) => {
    for (const pending of batch) pending.decision = pending.scope.runInAsyncScope(decideSafely, null, pending);
    for (const pending of batch) {
      try {
        pending.scope.runInAsyncScope(continueRequest, null, pending);
      } catch (error) {
        // Errors of later handlers stay uncaught, as without a guard, but must not affect the other requests of the
        // batch.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  });

  return (request: FastifyRequest, reply: FastifyReply, next: () => void): void => {
    enqueue({ scope: new Resource('DevpilotGuard'), request, reply, next, decision: UNAVAILABLE });
  };
}
