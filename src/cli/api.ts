import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { printJson } from './output.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

interface ApiOptions extends Pick<RemoteOptions, 'url' | 'profile' | 'workspace'> {
  readonly method: string | undefined;
  readonly field: readonly string[] | undefined;
}

/** `name=text`, or `name:=json` for any other value than text. */
function parseField(field: string): [string, unknown] {
  const [, name = '', operator, text = ''] = /^([^:=]+)(:=|=)([\s\S]*)$/.exec(field) ?? [];
  if (operator === '=') return [name, text];
  try {
    if (operator === ':=') return [name, JSON.parse(text) as unknown];
  } catch {
    // Reported below.
  }
  throw new Failure(`A field must be name=text or name:=json, such as active:=false; this is ${field}.`);
}

/** Sends a request to any route of the API and prints its response, which must be JSON. */
export async function callApi(path: string, options: ApiOptions): Promise<void> {
  if (!path.startsWith('/')) throw new Failure('The path must start with a slash, such as /v1/whoami.');
  const fields = Object.fromEntries((options.field ?? []).map(parseField));
  const chosen = options.method?.toUpperCase() ?? (options.field === undefined ? 'GET' : 'POST');
  const method = METHODS.find((known) => known === chosen);
  if (method === undefined) throw new Failure(`--method must be one of: ${METHODS.join(', ')}.`);
  const client = connect({ ...options, json: true, quiet: undefined });
  const query = new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value)])).toString();
  const hasFields = options.field !== undefined;
  const target = hasFields && method === 'GET' ? `${path}${path.includes('?') ? '&' : '?'}${query}` : path;
  const answer = await client.request<unknown>(method, target, hasFields && method !== 'GET' ? { body: fields } : {});
  if (answer !== undefined) await printJson(answer);
}
