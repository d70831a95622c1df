import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import type { AppContext } from './app-context.ts';
import { sendProblem } from './problems.ts';
import { securityHeaders } from './security-headers.ts';
import { wantsPage } from './spa.ts';

/** Creates a function that returns the methods of all routes for a path, to distinguish 405 from 404. */
function createAllowedMethodsLookup(app: FastifyInstance): (path: string) => string[] {
  const methodsByUrl = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const source = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+');
    const entry = methodsByUrl.get(url) ?? { pattern: new RegExp(`^${source}$`), methods: new Set<string>() };
    for (const routeMethod of [method].flat()) entry.methods.add(routeMethod);
    methodsByUrl.set(url, entry);
  });
  return (path) => [
    ...new Set(
      [...methodsByUrl.values()].filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]),
    ),
  ];
}

/**
 * Responds to requests without a route: with 405 if the URL supports other methods, otherwise with 404 as JSON or, in a
 * browser, as a page.
 */
export function addNotFoundHandler(
  app: FastifyInstance,
  context: AppContext,
  sendNotFoundPage: (reply: FastifyReply) => FastifyReply,
): void {
  const allowedMethodsOf = createAllowedMethodsLookup(app);
  function respondNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const allow = allowedMethodsOf(request.url.split('?')[0] ?? '');
    if (allow.length === 0 && wantsPage(request)) return sendNotFoundPage(reply);
    if (allow.length === 0) return sendProblem(reply, new Problem('not_found', 'Nothing was found at this URL.'));
    return sendProblem(reply, new Problem('method_not_allowed', `This URL supports ${allow.join(', ')}.`, { allow }));
  }
  app.setNotFoundHandler(respondNotFound);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // Respond before the body is parsed, because no route reads it.
    if (request.is404) respondNotFound(request, reply.headers(securityHeaders(context, request)));
    else done();
  });
}
