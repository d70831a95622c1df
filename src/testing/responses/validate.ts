import { loadValidators, type Validator, type Validators } from './document.ts';
import type { SentResponse } from './recorder.ts';

/** Paths below which every response is documented. */
const DOCUMENTED_PATHS = /^\/(?:v1|api|mcp|\.well-known)(?:\/|$)|^\/(?:healthz|readyz)$/;
/** Statuses of requests that reach no operation, because the path or method is unknown or the request is malformed. */
const STATUSES_WITHOUT_OPERATION: ReadonlySet<number> = new Set([400, 404, 405, 414]);
const PROBLEM = 'application/problem+json';

/** Returns the decoded path of a request target, which can be a path or a URL. */
function decodePath(target: string): string {
  const path = target.replace(/^https?:\/\/[^/]*/, '');
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/**
 * Returns the path template that matches a path. Where two templates first differ, a constant part has precedence over
 * a parameter.
 */
function findTemplate(path: string, templates: readonly string[]): string | undefined {
  const parts = path.split('/');
  const matching = templates.filter((template) => {
    const expected = template.split('/');
    return (
      expected.length === parts.length && expected.every((part, index) => part === parts[index] || part.startsWith('{'))
    );
  });
  // Sorts parameters after constant parts, starting from the left.
  return matching.sort((a, b) => (a.replaceAll('{', '\u{10ffff}') < b.replaceAll('{', '\u{10ffff}') ? -1 : 1))[0];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns the value in a body or, for an NDJSON stream, the values of its complete lines. */
function parseValues({ contentType, body }: SentResponse): unknown[] {
  if (!contentType.endsWith('json')) return [body];
  if (contentType !== 'application/x-ndjson') return [parse(body ?? '')];
  const lines = (body ?? '').split('\n').slice(0, -1);
  return lines.filter((line) => line !== '').map(parse);
}

/** Describes the first value in a body that does not match its schema; null if all match. */
function describeInvalidValue(response: SentResponse, validator: Validator): string | null {
  for (const value of parseValues(response)) {
    if (validator(value)) continue;
    const [error] = validator.errors ?? [];
    const location = `${error?.instancePath} ${error?.message} ${JSON.stringify(error?.params)}`;
    return `${location}: ${JSON.stringify(value)?.slice(0, 300)}`;
  }
  return null;
}

/** Describes how a response differs from the document; null if it does not differ. */
function describeDifference(response: SentResponse, { paths, validators, problem }: Validators): string | null {
  const { method, status, contentType, body } = response;
  const path = decodePath(response.path);
  if (!DOCUMENTED_PATHS.test(path)) return null;
  const template = findTemplate(path, Object.keys(paths));
  // `HEAD` has the same responses as `GET`, and `/v1/authorize` accepts every method.
  const documentedMethod = template === '/v1/authorize' || method === 'HEAD' ? 'get' : method.toLowerCase();
  const operation = template === undefined ? undefined : paths[template]?.[documentedMethod];
  const name = `${method} ${template ?? path} ${status}`;
  if (operation === undefined) {
    const isProblem = STATUSES_WITHOUT_OPERATION.has(status) && (contentType === PROBLEM || method === 'HEAD');
    if (!isProblem) return `${name} ${contentType}: no such operation is documented`;
  } else if (operation[status] === undefined) {
    return `${name}: this status is not documented: ${body?.slice(0, 200)}`;
  }
  if (body === null || method === 'HEAD') return null;
  const content = operation?.[status] ?? { [PROBLEM]: problem };
  const types = Object.keys(content);
  if (types.length === 0) return body === '' ? null : `${name}: no body is documented: ${body.slice(0, 200)}`;
  const validator = validators[content[contentType] ?? ''];
  if (validator === undefined) return `${name}: the content type is "${contentType}", not ${types.join(' or ')}`;
  const invalid = describeInvalidValue(response, validator);
  return invalid === null ? null : `${name}: ${invalid}`;
}

/** Rejects if a response differs from the OpenAPI document. The message contains each difference once. */
export async function expectDocumented(responses: Iterable<SentResponse>): Promise<void> {
  const validators = await loadValidators();
  const differences = new Map<string, string>();
  for (const response of responses) {
    const difference = describeDifference(response, validators);
    if (difference === null) continue;
    const withoutValue = difference.replace(/: [{["].*/s, '');
    differences.set(withoutValue, difference);
  }
  if (differences.size === 0) return;
  throw new Error(`Responses differ from the OpenAPI document:\n${[...differences.values()].join('\n')}`);
}
