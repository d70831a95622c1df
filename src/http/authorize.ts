import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import { HEADERS } from '../contract/words.ts';
import type { Judgement } from '../credentials/present.ts';
import type { CredentialRecord } from '../credentials/record.ts';
import { type Demand, needAll, wordsOf } from '../credentials/rights.ts';
import type { House } from './house.ts';
import { readPresentation } from './presentation.ts';
import { logUnexpected, problemOf, sendProblem } from './problems.ts';
import { refusalOf } from './verdicts.ts';

const DEMANDS_KEPT = 1000;

/** The words of a query parameter, given several times or with blanks or commas between them. */
function wordsIn(query: URLSearchParams, name: string): string[] | null {
  if (!query.has(name)) return null;
  const words = query.getAll(name).flatMap((text) => text.split(/[\s,]+/).filter((word) => word !== ''));
  // Named but blank: a template that expanded to nothing must not open the door.
  return words.length === 0 ? [''] : [...new Set(words)];
}

/**
 * Reads what a proxy demands. Where only one of `scope` and `permission` is named the other kind is
 * refused; where none is, any valid credential passes. A right that does not exist is had by nobody.
 */
export function readDemand(url: string): Demand {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  const scopes = wordsIn(query, 'scope');
  const permissions = wordsIn(query, 'permission');
  return {
    access_token: scopes === null && permissions !== null ? null : needAll('access_token', scopes ?? []),
    api_key: permissions === null && scopes !== null ? null : needAll('api_key', permissions ?? []),
  };
}

/** What a mask says in a header; there are few, so each is put into words once. */
function createSpelling(): (record: CredentialRecord) => string {
  const spelled = { access_token: new Map<number, string>(), api_key: new Map<number, string>() };
  return ({ kind, rights }) => {
    let words = spelled[kind].get(rights);
    if (words === undefined) spelled[kind].set(rights, (words = wordsOf(kind, rights).join(' ')));
    return words;
  };
}

const BLANK = {
  [HEADERS.credentialId]: '',
  [HEADERS.credentialKind]: '',
  [HEADERS.credentialName]: '',
  [HEADERS.workspaceId]: '',
  [HEADERS.scopes]: '',
  [HEADERS.permissions]: '',
};

/**
 * `/v1/authorize`, for reverse proxies: judges the credential that the request itself carries, whatever
 * its method and body. Answers 200, 401, 403 or 503 and nothing else, always with every identity
 * header, so that none that a client made up survives (CVE-2026-30851).
 */
export function registerAuthorize(app: FastifyInstance, house: House): void {
  const { judges, proof, clock } = house;
  const spell = createSpelling();
  const demands = new Map<string, Demand>();

  function demandIn(url: string): Demand {
    let demand = demands.get(url);
    if (demand === undefined) {
      if (demands.size >= DEMANDS_KEPT) demands.clear();
      demands.set(url, (demand = readDemand(url)));
    }
    return demand;
  }

  function refuse(reply: FastifyReply, problem: Problem): FastifyReply {
    const { status } = problem;
    reply.headers(BLANK);
    return sendProblem(reply, problem, status === 403 || status === 503 ? status : status >= 500 ? 503 : 401);
  }

  function answer(request: FastifyRequest, reply: FastifyReply, judgement: Judgement, demand: Demand): FastifyReply {
    const { verdict, record } = judgement;
    if (verdict !== 'ok' || record === null) {
      return refuse(reply, refusalOf(judgement, demand, false, proof, request.ip, clock()));
    }
    const isToken = record.kind === 'access_token';
    const rights = spell(record);
    // Straight to node: a proxy asks this for each of its own requests, and Fastify's way costs half as much again.
    reply.hijack();
    reply.raw
      .writeHead(200, [
        HEADERS.requestId,
        request.id,
        HEADERS.credentialId,
        record.id,
        HEADERS.credentialKind,
        record.kind,
        HEADERS.credentialName,
        encodeURIComponent(record.name),
        HEADERS.workspaceId,
        record.workspace.id,
        HEADERS.scopes,
        isToken ? rights : '',
        HEADERS.permissions,
        isToken ? '' : rights,
        'Content-Length',
        '0',
      ])
      .end();
    return reply;
  }

  function handle(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    const url = request.raw.url ?? '';
    const presentation = readPresentation(request.raw, false);
    if (presentation.kind === 'none') throw new Problem('missing_credential');
    if (presentation.kind === 'session')
      throw new Problem('invalid_token', 'This takes an access token or an API key.');
    const presented = {
      secret: presentation.secret,
      passphrase: presentation.passphrase,
      address: request.ip,
      userAgent: request.headers['user-agent'] ?? null,
      requestId: request.id,
    };
    const demand = demandIn(url);
    const judgement = judges.judgePresented(presented, demand);
    return judgement instanceof Promise
      ? judgement.then((done) => answer(request, reply, done, demand))
      : answer(request, reply, judgement, demand);
  }

  app.register((scope, _options, done) => {
    // Whatever body comes along is another service's business: it is drained, not parsed.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    scope.addHook('onRequest', (request, _reply, next) => {
      const { headers } = request.raw;
      // A type that is not well-formed, or a QUERY without one, would be refused before it could be ignored.
      if (headers['content-type'] !== undefined || request.method === 'QUERY')
        headers['content-type'] = 'application/octet-stream';
      next();
    });
    scope.setErrorHandler((error, request, reply) => {
      const problem = problemOf(error);
      logUnexpected(problem, request);
      return refuse(reply, problem);
    });
    scope.route({
      method: [...app.supportedMethods],
      url: '/v1/authorize',
      exposeHeadRoute: false,
      schema: { hide: true },
      handler: handle,
    });
    done();
  });
}
