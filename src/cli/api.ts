import { Script } from 'node:vm';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { parseChoice } from './input.ts';
import { print, printJson, sanitizedJson } from './output.ts';
import { sanitizeText } from './sanitize.ts';

const MAX_QUERY_LENGTH = 4096;
const MAX_SELECTED_VALUES = 2_000_000;
const QUERY_TIMEOUT_MS = 3_000;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

interface ApiOptions extends Pick<RemoteOptions, 'url' | 'profile' | 'workspace'> {
  readonly method: string | undefined;
  readonly field: readonly string[] | undefined;
  readonly query: string | undefined;
}

/** Parses `name=text`, or `name:=json` for a value that is not text. */
function parseField(field: string): [string, unknown] {
  const [, name = '', operator, text = ''] = /^([^:=]+)(:=|=)([\s\S]*)$/.exec(field) ?? [];
  if (operator === '=') return [name, text];
  try {
    if (operator === ':=') return [name, JSON.parse(text) as unknown];
  } catch {
    // Reported below.
  }
  throw new Failure(`A field must be name=text or name:=json, such as active:=false; received ${field}.`);
}

/**
 * Compiles a JMESPath expression. Returns a function that applies it to a value and formats the result: a string
 * verbatim, anything else as JSON.
 */
async function compileQuery(expression: string): Promise<(value: unknown) => string> {
  const { default: jmespath } = await import('jmespath');
  const toFailure = (error: unknown) =>
    new Failure(`--query: ${error instanceof Error ? error.message : String(error)}. See https://jmespath.org`);
  if (expression.length > MAX_QUERY_LENGTH) throw toFailure(`the expression exceeds ${MAX_QUERY_LENGTH} characters`);
  try {
    jmespath.compile(expression);
  } catch (error) {
    throw toFailure(error);
  }
  return (value) => {
    const select = () => {
      const selected = jmespath.search(value, expression) ?? null;
      // The result of an expression that repeats its input can grow without limit.
      let count = 0;
      JSON.stringify(selected, (_name, part: unknown) => {
        if (++count > MAX_SELECTED_VALUES) throw new Error(`the result exceeds ${MAX_SELECTED_VALUES} values`);
        return part;
      });
      return typeof selected === 'string' ? sanitizeText(selected) : sanitizedJson(selected);
    };
    try {
      // Running in a VM context lets the timeout interrupt the library's synchronous code.
      return new Script('select()').runInNewContext({ select }, { timeout: QUERY_TIMEOUT_MS }) as string;
    } catch (error) {
      throw toFailure(error);
    }
  };
}

function appendParameters(path: string, fields: Readonly<Record<string, unknown>>): string {
  const parameters = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`;
}

/** Sends a request to any route of the API and prints the response, which must be JSON or empty. */
export async function callApi(path: string, options: ApiOptions): Promise<void> {
  if (!path.startsWith('/')) throw new Failure('The path must start with a slash, such as /v1/whoami.');
  const fields = options.field === undefined ? null : Object.fromEntries(options.field.map(parseField));
  const defaultMethod = fields === null ? 'GET' : 'POST';
  const method = parseChoice('--method', options.method?.toUpperCase() ?? defaultMethod, METHODS);
  const applyQuery = options.query === undefined ? null : await compileQuery(options.query);
  const client = connect({ ...options, json: true, quiet: undefined });
  const target = method === 'GET' && fields !== null ? appendParameters(path, fields) : path;
  const body = method === 'GET' || fields === null ? {} : { body: fields };
  const response = await client.request<unknown>(method, target, body);
  if (response === undefined) return;
  if (applyQuery === null) return printJson(response);
  await print(`${applyQuery(response)}\n`);
}
