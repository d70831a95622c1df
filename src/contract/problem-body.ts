import { z } from 'zod';
import { CODES } from './error-codes.ts';

export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(CODES) as [string, ...string[]]),
    requestId: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    required: z.array(z.string()).optional(),
    reasons: z.array(z.string()).optional(),
    id: z.string().optional(),
    error: z.string().optional(),
  })
  .meta({ id: 'Problem', title: 'A problem (RFC 9457)' });
export type ProblemBody = z.infer<typeof ProblemBody>;
