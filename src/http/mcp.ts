import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { MCP_VERSIONS, McpMessage, McpReply } from '../contract/mcp.ts';
import { ProblemBody } from '../contract/problem-body.ts';
import { PERMISSIONS, SCOPES } from '../contract/vocabulary.ts';
import { createYielder } from '../platform/bounded-json.ts';
import type { AppContext } from './app-context.ts';
import { rejectForeignOrigin } from './cross-site-requests.ts';
import { ArgumentError, callTool } from './mcp-calls.ts';
import { describeTool, isToolAllowed, resolveTools, type Tool } from './mcp-tools.ts';
import { NoContent, type Route, route } from './route.ts';

/** Error codes of JSON-RPC and of the protocol. */
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const HEADER_MISMATCH = -32020;
const UNSUPPORTED_VERSION = -32022;

type McpError = NonNullable<McpReply['error']>;
type Outcome = { readonly result: Record<string, unknown> } | { readonly error: McpError };
type Params = Readonly<Record<string, unknown>>;

const fail = (code: number, message: string, data?: Record<string, unknown>): { readonly error: McpError } => ({
  error: { code, message, ...(data !== undefined && { data }) },
});

/** Fields that the newest protocol revision requires in all results. Clients of older revisions ignore them. */
const RESULT_FIELDS = { resultType: 'complete' };
/** Fields that the newest protocol revision requires in results that clients could cache. */
const UNCACHED_RESULT_FIELDS = { ...RESULT_FIELDS, ttlMs: 0, cacheScope: 'private' };

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

const INSTRUCTIONS =
  'Devpilot deploys apps to servers, runs scripts, and tracks activity and errors. Only the tools that your credential allows are listed. Refer to an app or script by its ID or slug. Deployments and runs continue after the call that started them: poll their status.';

const isVersion = (text: unknown): boolean => MCP_VERSIONS.some((version) => version === text);

/** Returns the error of a request with an unsupported version, or whose headers do not match its message; or null. */
function headerProblem({ headers }: FastifyRequest, method: string): Outcome | null {
  const { 'mcp-protocol-version': version, 'mcp-method': headerMethod } = headers;
  if (version !== undefined && !isVersion(version)) {
    const data = { supported: [...MCP_VERSIONS], requested: String(version) };
    return fail(UNSUPPORTED_VERSION, `MCP-Protocol-Version must be one of ${MCP_VERSIONS.join(', ')}.`, data);
  }
  const isMismatch = headerMethod !== undefined && headerMethod !== method;
  return isMismatch ? fail(HEADER_MISMATCH, 'Mcp-Method must be the method of the message.') : null;
}

/** Responds to messages. Each request contains one message, and the server keeps no state between requests. */
class McpServer {
  readonly #serverInfo: { readonly name: string; readonly version: string };
  readonly #tools: ReadonlyMap<string, Tool>;
  /** Descriptions are created when they are first listed. */
  readonly #descriptions = new Map<Tool, Record<string, unknown>>();

  constructor(version: string, routes: readonly Route[]) {
    this.#serverInfo = { name: 'devpilot', version };
    this.#tools = resolveTools(routes);
  }

  #describe(tool: Tool): Record<string, unknown> {
    const description = this.#descriptions.get(tool) ?? describeTool(tool);
    this.#descriptions.set(tool, description);
    return description;
  }

  async #listTools({ principal }: FastifyRequest): Promise<Record<string, unknown>[]> {
    if (principal === null || principal.kind === 'person') return [];
    const yieldWhenDue = createYielder();
    const descriptions: Record<string, unknown>[] = [];
    for (const tool of this.#tools.values()) {
      if (!isToolAllowed(tool, principal.record)) continue;
      descriptions.push(this.#describe(tool));
      await yieldWhenDue();
    }
    return descriptions;
  }

  async #callTool(request: FastifyRequest, { name, arguments: args = {} }: Params): Promise<Outcome> {
    const tool = typeof name === 'string' ? this.#tools.get(name) : undefined;
    if (tool === undefined) return fail(INVALID_PARAMS, 'No tool has this name.');
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      return fail(INVALID_PARAMS, 'arguments must be an object.');
    try {
      const { text, isError } = await callTool(request, tool, args as Params);
      return { result: { ...RESULT_FIELDS, content: [{ type: 'text', text }], isError } };
    } catch (error) {
      if (error instanceof ArgumentError) return fail(INVALID_PARAMS, error.message);
      throw error;
    }
  }

  async respond(request: FastifyRequest, method: string, params: Params): Promise<Outcome> {
    const serverDescription = { capabilities: { tools: {} }, instructions: INSTRUCTIONS };
    const [newest, newestWithHandshake] = MCP_VERSIONS;
    switch (method) {
      case 'server/discover':
        return {
          result: {
            ...UNCACHED_RESULT_FIELDS,
            ...serverDescription,
            supportedVersions: [newest],
            _meta: { [SERVER_INFO]: this.#serverInfo },
          },
        };
      case 'initialize': {
        const { protocolVersion: requested } = params;
        const protocolVersion = isVersion(requested) && requested !== newest ? requested : newestWithHandshake;
        return { result: { ...serverDescription, serverInfo: this.#serverInfo, protocolVersion } };
      }
      case 'ping':
        return { result: {} };
      case 'tools/list':
        return { result: { ...UNCACHED_RESULT_FIELDS, tools: await this.#listTools(request) } };
      case 'tools/call':
        return this.#callTool(request, params);
      default:
        return fail(METHOD_NOT_FOUND, 'Devpilot does not support this method.');
    }
  }
}

/** Returns the MCP route, whose tools let AI agents call some of `routes`. */
export function mcpRoutes(context: AppContext, routes: readonly Route[]): Route[] {
  const server = new McpServer(context.version, routes);
  return [
    route({
      method: 'POST',
      url: '/mcp',
      access: { token: SCOPES, key: PERMISSIONS },
      resourceAccess: 'none',
      usesAreCountedElsewhere: true,
      summary: 'Send an MCP message',
      description:
        'The Model Context Protocol over streamable HTTP, without sessions. Each tool calls one route. Only the tools that the credential may call are listed.',
      tag: 'Agents',
      body: McpMessage,
      responses: { 200: McpReply, 202: NoContent, 400: z.union([McpReply, ProblemBody]) },
      handler: async ({ body: { id, method, params = {} }, request, reply }) => {
        rejectForeignOrigin(context, request);
        // A notification or a reply gets no reply.
        if (method === undefined || id === undefined) return reply.code(202).send();
        const problem = headerProblem(request, method);
        if (problem !== null) reply.code(400);
        return { jsonrpc: '2.0', id, ...(problem ?? (await server.respond(request, method, params))) };
      },
    }),
  ];
}
