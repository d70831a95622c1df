/** Messages of the Model Context Protocol: JSON-RPC 2.0, one message per request. */
import { z } from 'zod';

/**
 * Revisions of the protocol, newest first. The newest has no handshake: a header names the revision of each request.
 */
export const MCP_VERSIONS = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26'] as const;

export const MCP_LIMITS = {
  /** Maximum length of a tool's result, in characters. */
  output: 65_536,
  /** Maximum length of the arguments in a URL, in characters. Node limits the URL and all headers to 16 KiB. */
  url: 8_192,
  logLines: { max: 1_000, default: 200 },
} as const;

const requestId = z.union([z.string().max(255), z.int()]);

export const McpMessage = z
  .strictObject({
    jsonrpc: z.literal('2.0'),
    id: requestId.optional().describe('Absent from a notification, which gets no reply'),
    method: z.string().max(255).optional().describe('Absent from a reply, which is ignored'),
    params: z.record(z.string(), z.unknown()).optional(),
    result: z.record(z.string(), z.unknown()).optional(),
    error: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'McpMessage', examples: [{ jsonrpc: '2.0', id: 1, method: 'tools/list' }] });
export type McpMessage = z.infer<typeof McpMessage>;

export const McpReply = z
  .object({
    jsonrpc: z.literal('2.0'),
    id: requestId,
    result: z.record(z.string(), z.unknown()).optional(),
    error: z
      .object({ code: z.int(), message: z.string(), data: z.record(z.string(), z.unknown()).optional() })
      .optional(),
  })
  .meta({ id: 'McpReply', examples: [{ jsonrpc: '2.0', id: 1, result: { tools: [] } }] });
export type McpReply = z.infer<typeof McpReply>;
