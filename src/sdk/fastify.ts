import { inTurns } from '../credentials/turns.ts';
import { type Judge, type Judgement, refusal } from './authorize.ts';

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
interface Context {
  runInAsyncScope<Given extends readonly unknown[], Result>(
    work: (...given: Given) => Result,
    self: null,
    ...given: Given
  ): Result;
}

interface Arrival {
  readonly context: Context;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly next: () => void;
  judgement: Judgement | Promise<Judgement>;
}

/** Requests that are judged together at most. */
const TOGETHER = 64;
const REFUSED = refusal('unavailable');

type AsyncResource = new (type: string) => Context;

function contextsOfRuntime(): AsyncResource {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { AsyncResource?: AsyncResource } | undefined };
  };
  const found = process?.getBuiltinModule?.('node:async_hooks')?.AsyncResource;
  if (found === undefined) throw new TypeError('The plugin for Fastify needs a runtime with node:async_hooks.');
  return found;
}

/**
 * A hook that judges what arrives in one turn of the event loop together, and then lets it through
 * (`docs/adr/0015-answers-of-one-turn.md`): with the code and tables of judging in the processor's caches once a
 * turn, a judgement costs a third. Each request goes on in the asynchronous context in which it came.
 * Whatever goes wrong refuses.
 */
export function judgingInTurns(
  judge: Judge,
  admit: (request: object, judgement: Judgement & { allowed: true }) => void,
) {
  const Resource = contextsOfRuntime();

  function judged({ request }: Arrival): Judgement | Promise<Judgement> {
    try {
      return judge(request.raw.rawHeaders, request.ip);
    } catch {
      return REFUSED;
    }
  }

  function settle({ request, reply, next }: Arrival, judgement: Judgement): void {
    if (judgement.allowed) {
      admit(request, judgement);
      next();
      return;
    }
    reply.code(judgement.status);
    for (const [name, value] of Object.entries(judgement.headers)) reply.header(name, value);
    reply.send(judgement.body);
  }

  function goOn(arrival: Arrival): void {
    const { judgement } = arrival;
    if (judgement instanceof Promise) void judgement.then((late) => settle(arrival, late));
    else settle(arrival, judgement);
  }

  const arrive = inTurns<Arrival>(TOGETHER, (arrivals) => {
    for (const arrival of arrivals) arrival.judgement = arrival.context.runInAsyncScope(judged, null, arrival);
    for (const arrival of arrivals) {
      try {
        arrival.context.runInAsyncScope(goOn, null, arrival);
      } catch (error) {
        // Thrown by what comes after the guard: as loud as without it, but not at the cost of the others.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  });

  return (request: FastifyRequest, reply: FastifyReply, next: () => void): void => {
    arrive({ context: new Resource('DevpilotGuard'), request, reply, next, judgement: REFUSED });
  };
}
