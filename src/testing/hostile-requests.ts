/**
 * Requests that are as expensive to process as possible, for every operation of the OpenAPI document with a body or a
 * query. Tests send them to find operations that block a node.
 */

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly $ref?: string;
}
interface Operation {
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;
  };
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface HostileRequest {
  readonly operation: string;
  /** What makes the request expensive. */
  readonly attack: string;
  readonly method: string;
  /** Path template as in the document. */
  readonly path: string;
  readonly query: string;
  readonly contentType: string | null;
  /** Built only when the request is sent, because all bodies together would need gigabytes. */
  readonly body: (() => string) | null;
  /** The sender whom the operation accepts: anyone, a signed-in person, or a credential. */
  readonly sender: 'anyone' | 'person' | 'credential';
}

const QUERY_BYTES = 12_000;
/** Just below the limit on the number of values in a body. */
const VALUE_COUNT = 1_900;

/** Texts that, when repeated, are expensive for code with superlinear run time, such as patterns and normalization. */
const REPEATED_PARTS: Readonly<Record<string, string>> = {
  letters: 'a',
  blanks: ' ',
  'combining marks': '\u0301\u0327',
  digits: '1',
  punctuation: '-.',
  'unpaired surrogates': '\ud800',
  'incomplete email addresses': 'a@b.',
};

const repeated = (part: string, bytes: number): string => part.repeat(Math.ceil(bytes / Buffer.byteLength(part)));
const fieldsWithUniqueKeys = (count: number): string =>
  Array.from({ length: count }, (_, index) => `"k${index}":1`).join();

type Bodies = Readonly<Record<string, () => string>>;

/** Bodies that match no schema. */
const malformedBodies = (bytes: number): Bodies => ({
  'nested arrays': () => repeated('[', bytes),
  'nested objects': () => repeated('{"a":', bytes),
  'an array of objects': () => `[${repeated('{},', bytes)}{}]`,
  'unknown keys': () => `{${fieldsWithUniqueKeys(bytes / 12)}}`,
  'almost the maximum number of unknown keys': () => `{${fieldsWithUniqueKeys(VALUE_COUNT)}}`,
  'one key many times': () => `{${repeated('"a":1,', bytes)}"a":1}`,
  'one long unknown key': () => `{"${repeated('k', bytes)}":1}`,
  'one long number': () => repeated('1', bytes),
  'escapes without an end': () => `"${repeated('\\u0041', bytes)}`,
});

/** Values for one field of a body; the other fields are copied from the example. */
const hostileValues = (bytes: number): Readonly<Record<string, () => unknown>> => ({
  ...Object.fromEntries(
    Object.entries(REPEATED_PARTS).map(([attack, part]) => [attack, () => repeated(part, bytes / 2)]),
  ),
  'an array of objects': () => Array.from({ length: VALUE_COUNT }, () => ({})),
  'an array of long texts': () => Array.from({ length: 200 }, () => 'a'.repeat(4_000)),
  'an array of equal short texts': () => Array.from({ length: VALUE_COUNT }, () => 'a'),
  'many keys': () => Object.fromEntries(Array.from({ length: VALUE_COUNT }, (_, index) => [`k${index}`, 'v'])),
});

const hostileForms = (bytes: number): Bodies => ({
  'many fields': () => Array.from({ length: bytes / 10 }, (_, index) => `a${index}=`).join('&'),
  'one field many times': () => repeated('token=a&', bytes),
  separators: () => repeated('&', bytes),
  escapes: () => `token=${repeated('%', bytes)}`,
  'escaped marks': () => `token=a&passphrase=${repeated('%CC%81%CC%A7', bytes - 100)}`,
});

function createHostileBodies(contentType: string, example: unknown, bytes: number): Bodies {
  if (contentType.includes('form')) return hostileForms(bytes);
  const fields = typeof example === 'object' && example !== null && !Array.isArray(example) ? example : {};
  const bodies: Record<string, () => string> = { ...malformedBodies(bytes) };
  for (const field of Object.keys(fields)) {
    for (const [attack, createValue] of Object.entries(hostileValues(bytes))) {
      bodies[`${field}: ${attack}`] = () => JSON.stringify({ ...fields, [field]: createValue() });
    }
  }
  return bodies;
}

function createHostileQueries(parameterNames: readonly string[]): Readonly<Record<string, string>> {
  const queries: Record<string, string> = {
    'many names': Array.from({ length: QUERY_BYTES / 7 }, (_, index) => `a${index}=1`).join('&'),
    'one name many times': repeated('a=1&', QUERY_BYTES),
    escapes: repeated('%', QUERY_BYTES),
  };
  for (const name of parameterNames) {
    for (const [attack, part] of Object.entries(REPEATED_PARTS)) {
      const text = encodeURIComponent(repeated(part.toWellFormed(), QUERY_BYTES / 9));
      queries[`${name}: ${attack}`] = `${name}=${text}`;
    }
    queries[`${name} many times`] = repeated(`${name}=a&`, QUERY_BYTES);
  }
  return queries;
}

function acceptedSender({ security = [] }: Operation): HostileRequest['sender'] {
  if (security.length === 0) return 'anyone';
  return security.some((scheme) => 'session' in scheme) ? 'person' : 'credential';
}

/**
 * Returns the requests for a document, with bodies of about `bytes` bytes. Throws if the document has no operation with
 * a body.
 */
export function createHostileRequests(document: OpenApi, bytes: number): HostileRequest[] {
  const requests: HostileRequest[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const method = verb.toUpperCase();
      const base = { operation: `${method} ${path}`, method, path, sender: acceptedSender(operation) };
      const queryParameters = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'query')
        .map((parameter) => parameter.name);
      if (queryParameters.length > 0) {
        for (const [attack, query] of Object.entries(createHostileQueries(queryParameters))) {
          requests.push({ ...base, attack, query, contentType: null, body: null });
        }
      }
      for (const [contentType, { example }] of Object.entries(operation.requestBody?.content ?? {})) {
        for (const [attack, body] of Object.entries(createHostileBodies(contentType, example, bytes))) {
          requests.push({ ...base, attack, query: '', contentType, body });
        }
      }
    }
  }
  if (!requests.some(({ body }) => body !== null)) throw new Error('The document has no operation with a body.');
  return requests;
}
