import { z } from 'zod';
import { CODES } from './error-codes.ts';

export const ProblemBody = z
  .object({
    type: z.string().describe('Path of the page that explains the error code'),
    title: z.string(),
    status: z.int().describe('HTTP status'),
    detail: z.string().describe('Explains the problem with this request'),
    code: z.enum(Object.keys(CODES) as [string, ...string[]]).describe('Error code, for programs'),
    requestId: z.string().describe('Identifies the request in the log of the server'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('For `validation_failed`: the invalid fields'),
    required: z.array(z.string()).optional().describe('For `insufficient_scope`: the required scopes or permissions'),
    reasons: z.array(z.string()).optional().describe('For `/readyz`: the failed checks'),
    id: z.string().optional().describe('For `idempotent_replay`: ID of the resource that the first request created'),
    error: z.string().optional().describe('For OAuth clients: the error code of RFC 6749 or RFC 8628'),
  })
  .meta({ id: 'Problem', title: 'A problem (RFC 9457)' });
export type ProblemBody = z.infer<typeof ProblemBody>;
