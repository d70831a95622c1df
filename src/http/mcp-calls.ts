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

/** Thrown for arguments from which no request can be built. The message is for the caller. */
export class ArgumentError extends Error {}

export interface ToolResult {
  readonly text: string;
  readonly isError: boolean;
}

type Arguments = Readonly<Record<string, unknown>>;

interface ToolRequest {
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** Throws `ArgumentError` if a text is too long for a URL. Call it before encoding, which is slow for a megabyte. */
function rejectTooLong(text: string): void {
  if (text.length <= MCP_LIMITS.url) return;
  throw new ArgumentError(
    `Each argument in the path, and the arguments in the query together, must have at most ${MCP_LIMITS.url} characters.`,
  );
}

/** Encodes an argument as a path segment. Throws `ArgumentError` for a value that cannot be one. */
function pathSegment(name: string, value: unknown): string {
  if (typeof value === 'string') rejectTooLong(value);
  // A segment `.` or `..` would lead to another route, and a lone surrogate cannot be encoded.
  if (typeof value === 'string' && !['', '.', '..'].includes(value) && value.isWellFormed())
    return encodeURIComponent(value);
  throw new ArgumentError(`${name} must be an ID, slug or name.`);
}

/** Distributes the arguments of a call to the path, the query and the body of the tool's route. */
function buildToolRequest({ route, isLog, omittedFields = [] }: Tool, args: Arguments): ToolRequest {
  const handledNames = new Set(isLog ? ['lines'] : []);
  // A followed log might not end for days, and the server would not notice that the agent has disconnected.
  const rejectedNames = isLog ? [...omittedFields, 'follow'] : omittedFields;
  const url = route.url.replaceAll(/:([A-Za-z]+)/g, (_, name: string) => {
    handledNames.add(name);
    return pathSegment(name, args[name]);
  });
  const otherArguments = Object.entries(args).filter(([name]) => !handledNames.has(name));
  const rejectedArgument = otherArguments.find(([name]) => rejectedNames.includes(name));
  if (rejectedArgument !== undefined)
    throw new ArgumentError(`${rejectedArgument[0]} is not an argument of this tool.`);
  // The route itself rejects unknown fields by name.
  if (route.method !== 'GET' && route.method !== 'DELETE') return { url, body: Object.fromEntries(otherArguments) };
  const fields = otherArguments.map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  rejectTooLong(fields.flat().join(''));
  const query = new URLSearchParams(fields);
  return { url: query.size === 0 ? url : `${url}?${query.toString()}`, body: null };
}

const TRUNCATION_NOTE = `\n[Truncated after ${MCP_LIMITS.output} characters. Request less: use limit and cursor, a filter, or fewer lines.]`;

/** Reads a response as text, and truncates it after `MCP_LIMITS.output` characters. */
async function readBounded(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MCP_LIMITS.output) return text.slice(0, MCP_LIMITS.output) + TRUNCATION_NOTE;
  }
  return text;
}

function formatLine(line: string): string {
  const { at, stream, text } = LogLine.parse(JSON.parse(line));
  return `${at} ${stream} ${text}`;
}

/** Reads a log in NDJSON and returns its last lines as text. */
async function readLastLines(stream: Readable, count: number): Promise<string> {
  const yieldWhenDue = createYielder();
  let lastLines: string[] = [];
  let incomplete = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (incomplete + chunk).split('\n');
    incomplete = lines.pop() ?? '';
    lastLines = [...lastLines, ...lines].slice(-count);
    await yieldWhenDue();
  }
  const text = lastLines.map(formatLine).join('\n');
  return text.length <= MCP_LIMITS.output ? text : text.slice(-MCP_LIMITS.output);
}

/**
 * Calls a tool: injects a request to its route into the server, with the headers of `request`. The injected request is
 * authorized, executed, counted and recorded like any other. Throws `ArgumentError` for arguments from which no request
 * can be built.
 */
export async function callTool(request: FastifyRequest, tool: Tool, args: Arguments): Promise<ToolResult> {
  const { lines: lineCount = MCP_LIMITS.logLines.default } = tool.isLog ? args : {};
  const isValid = Number.isInteger(lineCount) && Number(lineCount) >= 1 && Number(lineCount) <= MCP_LIMITS.logLines.max;
  if (!isValid) throw new ArgumentError(`lines must be a whole number from 1 to ${MCP_LIMITS.logLines.max}.`);
  const { url, body } = buildToolRequest(tool, args);
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
  const text = tool.isLog && !isError ? await readLastLines(stream, Number(lineCount)) : await readBounded(stream);
  return { text: text === '' ? 'Done.' : text, isError };
}
