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
/** What a guard needs of Fastify: it does not depend on it. */
export interface Fastify {
  hasRequestDecorator(name: symbol): boolean;
  decorateRequest(name: symbol, value: null): unknown;
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
  addHook(name: 'onClose', hook: () => Promise<void>): unknown;
}

/** The asynchronous context of a request: what others keep for it in an `AsyncLocalStorage`. */
interface AsyncScope {
  runInAsyncScope<Given extends readonly unknown[], Result>(
    work: (...given: Given) => Result,
    self: null,
    ...given: Given
  ): Result;
}

interface PendingRequest {
  readonly scope: AsyncScope;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly next: () => void;
  decision: GuardDecision | Promise<GuardDecision>;
}

/** Requests that are judged together at most. */
const MAX_BATCH_SIZE = 64;
const UNAVAILABLE = createRefusal('unavailable');

type AsyncResource = new (type: string) => AsyncScope;

function loadAsyncResource(): AsyncResource {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { AsyncResource?: AsyncResource } | undefined };
  };
  const found = process?.getBuiltinModule?.('node:async_hooks')?.AsyncResource;
  if (found === undefined) throw new TypeError('The Fastify plugin requires a runtime with node:async_hooks.');
  return found;
}

/**
 * A hook that judges what arrives in one turn of the event loop together, and then lets it through
 * (`docs/adr/0015-answers-of-one-turn.md`): with the code and tables of judging in the processor's caches once a
 * turn, a judgement costs a third. Each request goes on in the asynchronous context in which it came.
 * Whatever goes wrong refuses.
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
    if (decision instanceof Promise) void decision.then((late) => applyDecision(pending, late));
    else applyDecision(pending, decision);
  }

  const enqueue = batchPerTurn<PendingRequest>(MAX_BATCH_SIZE, (batch) => {
    for (const pending of batch) pending.decision = pending.scope.runInAsyncScope(decideSafely, null, pending);
    for (const pending of batch) {
      try {
        pending.scope.runInAsyncScope(continueRequest, null, pending);
      } catch (error) {
        // Thrown by what comes after the guard: as loud as without it, but not at the cost of the others.
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
