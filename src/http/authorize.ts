import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';
import { Problem } from '../contract/problem.ts';
import { redactSecrets } from '../contract/redact.ts';
import { HEADERS } from '../contract/words.ts';
import type { Judgement, Presented } from '../credentials/present.ts';
import type { CredentialRecord } from '../credentials/record.ts';
import { type Demand, grantedWordsOf, needAll } from '../credentials/rights.ts';
import { inTurns } from '../credentials/turns.ts';
import type { House } from './house.ts';
import { lingerFor } from './linger.ts';
import { loneHeader, readPresentation } from './presentation.ts';
import { isWorkspaceNamed } from './principal.ts';
import { logUnexpected, problemOf, wordsOfProblem } from './problems.ts';
import { refusalOf } from './verdicts.ts';

/** Demands, names and rights of which is remembered how they are read or written. */
const KEPT = 2000;

/** The words of a query parameter, given several times or with blanks or commas between them. */
function wordsIn(query: URLSearchParams, name: string): string[] | null {
  if (!query.has(name)) return null;
  const words = query.getAll(name).flatMap((text) => text.split(/[\s,]+/).filter((word) => word !== ''));
  // Named but blank: a template that expanded to nothing must not open the door.
  return words.length === 0 ? [''] : [...new Set(words)];
}

/** Every parameter that `/v1/authorize` takes. */
const PARAMETERS: ReadonlySet<string> = new Set(['scope', 'permission']);
const SHOWN_NAME_MAX = 60;

interface ProxyDemand extends Demand {
  /** A parameter that is not known: nobody meets such a demand, since a misspelt one must not demand nothing. */
  readonly unknownParameter: string | null;
}

/**
 * Reads what a proxy demands. Where only one of `scope` and `permission` is named the other kind is
 * refused; where none is, any valid credential passes. A right that does not exist is had by nobody.
 */
export function readDemand(url: string): ProxyDemand {
  const at = url.indexOf('?');
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  const unknownParameter = [...query.keys()].find((name) => !PARAMETERS.has(name)) ?? null;
  if (unknownParameter !== null) {
    return { access_token: needAll('access_token', ['']), api_key: needAll('api_key', ['']), unknownParameter };
  }
  const scopes = wordsIn(query, 'scope');
  const permissions = wordsIn(query, 'permission');
  return {
    access_token: scopes === null && permissions !== null ? null : needAll('access_token', scopes ?? []),
    api_key: permissions === null && scopes !== null ? null : needAll('api_key', permissions ?? []),
    unknownParameter,
  };
}

function unknownParameterProblem(name: string): Problem {
  const shown = redactSecrets(name).slice(0, SHOWN_NAME_MAX);
  return new Problem(
    'forbidden',
    `The parameter "${shown}" is not known here. The parameters are scope and permission.`,
  );
}

/** Remembers what `make` made, as long as it is not too much. */
function remembering<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) {
      if (made.size >= KEPT) made.clear();
      made.set(key, (value = make(key)));
    }
    return value;
  };
}

/** Refuses a credential of another workspace than the one that the request names; null: it names several. */
async function checkWorkspace(house: House, named: string | null, record: CredentialRecord): Promise<Outcome> {
  if (named !== null && (await isWorkspaceNamed(house, named, record.workspace.id))) return record;
  return new Problem(
    'forbidden',
    `The credential does not belong to the workspace in the header ${HEADERS.workspace}.`,
  );
}

const WORKSPACE_HEADER = HEADERS.workspace.toLowerCase();

const BLANK = {
  [HEADERS.credentialId]: '',
  [HEADERS.credentialKind]: '',
  [HEADERS.credentialName]: '',
  [HEADERS.workspaceId]: '',
  [HEADERS.scopes]: '',
  [HEADERS.permissions]: '',
};

/** What the server lends to what answers outside Fastify. */
export interface Doorway {
  /** The id of a request: the caller's, or a new one. */
  requestIdOf(request: IncomingMessage): string;
  /** The client's address, as far as proxies are trusted. */
  addressOf(request: IncomingMessage): string;
  readonly log: FastifyBaseLogger;
}

/** Requests that are judged before the first of them is answered, at most. */
const A_TURN = 64;

/** A request that waits for the end of its turn. */
interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
}

/** Whom a request came from, or why it is refused. */
type Outcome = CredentialRecord | Problem;

/**
 * `/v1/authorize`, for reverse proxies: judges the credential that the request itself carries, whatever
 * its method and body, which is another service's business and is left unread. Answers 200, 401, 403 or
 * 503 and nothing else, always with every identity header, so that none that a client made up survives
 * (CVE-2026-30851). A proxy asks this for each of its own requests, so it is answered straight on Node's
 * server: the way through Fastify costs more than the judgement. What arrives in one turn of the event loop
 * is judged together and then answered together, with nothing in between: an answer wakes the proxy, which
 * costs more than all else, and finds it awake from the second on.
 */
export function createAuthorize(
  house: House,
  { requestIdOf, addressOf, log }: Doorway,
): (request: IncomingMessage, response: ServerResponse, requestId?: string) => void {
  const { judges, proof, clock } = house;
  const demandIn = remembering(readDemand);
  const encode = remembering((name: string) => encodeURIComponent(name));
  const spell = {
    access_token: remembering((rights: number) => grantedWordsOf('access_token', rights).join(' ')),
    api_key: remembering((rights: number) => grantedWordsOf('api_key', rights).join(' ')),
  };

  function refuse(response: ServerResponse, requestId: string, problem: Problem): void {
    logUnexpected(problem, log, requestId);
    const { status } = problem;
    const ours = status === 403 || status === 503 ? status : status >= 500 ? 503 : 401;
    const { headers, body } = wordsOfProblem(problem, ours, requestId);
    const length = Buffer.byteLength(body);
    response
      .writeHead(ours, { [HEADERS.requestId]: requestId, ...BLANK, ...headers, 'content-length': length })
      .end(body);
  }

  function accept(response: ServerResponse, requestId: string, record: CredentialRecord): void {
    const isToken = record.kind === 'access_token';
    const rights = spell[record.kind](record.rights);
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
        // A shared cache in front would replay it to whoever asks next, without any credential.
        'Cache-Control',
        'no-store',
        'Content-Length',
        '0',
      ])
      .end();
  }

  function answer({ request, response, requestId }: Asked, outcome: Outcome): void {
    // The body is another service's business: nobody has read it.
    if (!request.complete) lingerFor(request, response);
    try {
      if (outcome instanceof Problem) refuse(response, requestId, outcome);
      else accept(response, requestId, outcome);
    } catch (error) {
      refuse(response, requestId, problemOf(error));
    }
  }

  function outcomeOf(
    judgement: Judgement,
    presented: Presented,
    demand: ProxyDemand,
    workspace: string | null | undefined,
  ): Outcome | Promise<Outcome> {
    const { verdict, record } = judgement;
    if (verdict === 'ok' && record !== null) {
      return workspace === undefined || workspace === '' ? record : checkWorkspace(house, workspace, record);
    }
    if (verdict === 'insufficient_scope' && demand.unknownParameter !== null) {
      return unknownParameterProblem(demand.unknownParameter);
    }
    return refusalOf(judgement, demand, false, proof, presented.address, clock());
  }

  function judgeRequest({ request, requestId }: Asked): Outcome | Promise<Outcome> {
    const presentation = readPresentation(request, null);
    if (presentation.kind === 'none') throw new Problem('missing_credential');
    if (presentation.kind === 'session')
      throw new Problem('invalid_token', 'This takes an access token or an API key.');
    const presented = {
      secret: presentation.secret,
      passphrase: presentation.passphrase,
      address: addressOf(request),
      userAgent: loneHeader(request.rawHeaders, 'user-agent') ?? null,
      requestId,
    };
    const demand = demandIn(request.url ?? '');
    const workspace = loneHeader(request.rawHeaders, WORKSPACE_HEADER);
    const judgement = judges.judgePresented(presented, demand);
    const outcome =
      judgement instanceof Promise
        ? judgement.then((done) => outcomeOf(done, presented, demand, workspace))
        : outcomeOf(judgement, presented, demand, workspace);
    return outcome instanceof Promise ? outcome.catch(problemOf) : outcome;
  }

  function judgeAsked(asked: Asked): Outcome | Promise<Outcome> {
    try {
      return judgeRequest(asked);
    } catch (error) {
      return problemOf(error);
    }
  }

  const ask = inTurns<Asked>(A_TURN, (turn) => {
    const outcomes = turn.map(judgeAsked);
    for (const [at, outcome] of outcomes.entries()) {
      const asked = turn[at];
      if (asked === undefined) continue;
      if (outcome instanceof Promise) void outcome.then((done) => answer(asked, done));
      else answer(asked, outcome);
    }
  });

  return (request, response, requestId = requestIdOf(request)) => ask({ request, response, requestId });
}
