import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { LogLine } from '../contract/logs.ts';
import { MCP_LIMITS } from '../contract/mcp.ts';
import { createYielder } from '../platform/bounded-json.ts';
import type { Tool } from './mcp-tools.ts';

/** The headers of an MCP request that also apply to the requests that its tools make. */
const FORWARDED_HEADERS = [
  'authorization',
  'x-api-key',
  'access-token-passphrase',
  'devpilot-workspace',
  'user-agent',
  'host',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
] as const;

/** Arguments that no request can have. The message is for the caller. */
export class ArgumentError extends Error {}

export interface ToolResult {
  readonly text: string;
  readonly isError: boolean;
}

type Arguments = Readonly<Record<string, unknown>>;

interface RoutedCall {
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** Throws `ArgumentError` for text that is too long for a URL, before it is encoded: that takes long for a megabyte. */
function refuseTooLong(text: string): void {
  if (text.length <= MCP_LIMITS.url) return;
  throw new ArgumentError(`The arguments that name or filter must be at most ${MCP_LIMITS.url} characters together.`);
}

/** Throws `ArgumentError` if an argument that belongs in the path cannot be there. */
function pathSegment(name: string, value: unknown): string {
  if (typeof value === 'string') refuseTooLong(value);
  // A path with `.` or `..` would be that of another route, and a lone surrogate cannot be encoded.
  if (typeof value === 'string' && !['', '.', '..'].includes(value) && value.isWellFormed())
    return encodeURIComponent(value);
  throw new ArgumentError(`${name} must be the text that names it.`);
}

/** Distributes the arguments of a call over the path, the query and the body of its route. */
function routeCall({ route, isLog, without = [] }: Tool, args: Arguments): RoutedCall {
  const ofTool = new Set(isLog ? ['lines'] : []);
  // A log that is followed may not end for days, and nothing would tell that the agent has left.
  const refusedNames = isLog ? [...without, 'follow'] : without;
  const url = route.url.replaceAll(/:([A-Za-z]+)/g, (_, name: string) => {
    ofTool.add(name);
    return pathSegment(name, args[name]);
  });
  const rest = Object.entries(args).filter(([name]) => !ofTool.has(name));
  const refused = rest.find(([name]) => refusedNames.includes(name));
  if (refused !== undefined) throw new ArgumentError(`${refused[0]} is not an argument of this tool.`);
  // What the route does not know is refused by it, with its name.
  if (route.method !== 'GET' && route.method !== 'DELETE') return { url, body: Object.fromEntries(rest) };
  const fields = rest.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  refuseTooLong(fields.flat().join(''));
  const query = new URLSearchParams(fields);
  return { url: query.size === 0 ? url : `${url}?${query.toString()}`, body: null };
}

const CUT = `\n[Cut off after ${MCP_LIMITS.output} characters. Ask for less: with limit and cursor, a filter, or fewer lines.]`;

async function readBounded(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MCP_LIMITS.output) return text.slice(0, MCP_LIMITS.output) + CUT;
  }
  return text;
}

function lineText(line: string): string {
  const { at, stream, text } = LogLine.parse(JSON.parse(line));
  return `${at} ${stream} ${text}`;
}

/** Reads the last lines of a log in NDJSON, as text. */
async function readLastLines(stream: Readable, count: number): Promise<string> {
  const yieldWhenDue = createYielder();
  let last: string[] = [];
  let incomplete = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (incomplete + chunk).split('\n');
    incomplete = lines.pop() ?? '';
    last = [...last, ...lines].slice(-count);
    await yieldWhenDue();
  }
  const text = last.map(lineText).join('\n');
  return text.length <= MCP_LIMITS.output ? text : text.slice(-MCP_LIMITS.output);
}

/**
 * Calls a tool: sends the request of its route through the server, with the credential of `request`, so that it is
 * authorized, executed, counted and recorded as any other. Throws `ArgumentError` for arguments that no request can have.
 */
export async function callTool(request: FastifyRequest, tool: Tool, args: Arguments): Promise<ToolResult> {
  const { lines: count = MCP_LIMITS.logLines.standard } = tool.isLog ? args : {};
  const isCount = Number.isInteger(count) && Number(count) >= 1 && Number(count) <= MCP_LIMITS.logLines.max;
  if (!isCount) throw new ArgumentError(`lines must be a whole number from 1 to ${MCP_LIMITS.logLines.max}.`);
  const { url, body } = routeCall(tool, args);
  const headers = Object.fromEntries(
    FORWARDED_HEADERS.flatMap((name) => {
      const value = request.headers[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const response = await request.server.inject({
    method: tool.route.method as 'GET',
    url,
    remoteAddress: request.raw.socket.remoteAddress ?? '',
    headers: {
      ...headers,
      'x-request-id': request.id,
      ...(body !== null && { 'content-type': tool.contentType ?? 'application/json' }),
    },
    ...(body !== null && { payload: JSON.stringify(body) }),
    payloadAsStream: true,
  });
  const isError = response.statusCode >= 400;
  const stream = response.stream();
  const text = tool.isLog && !isError ? await readLastLines(stream, Number(count)) : await readBounded(stream);
  return { text: text === '' ? 'Done.' : text, isError };
}
