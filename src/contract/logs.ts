/** The wire shape of a log's line (contract section 8). Runs in a browser as well as in the server. */
import { z } from 'zod';
import { id } from './fields.ts';
import { instant } from './instant.ts';
import { LOG_STREAMS } from './vocabulary.ts';

export const LogLine = z
  .object({
    at: instant,
    stream: z.enum(LOG_STREAMS),
    step: z.string().nullable(),
    serverId: id.nullable(),
    text: z.string(),
  })
  .meta({ id: 'LogLine' });
export type LogLine = z.infer<typeof LogLine>;

export const LogQuery = z.strictObject({
  from: z
    .string()
    .regex(/^\d{1,9}$/, 'takes the number of lines to pass over')
    .optional()
    .describe('Lines to pass over: a reader that lost its connection goes on with as many as it has'),
  follow: z
    .enum(['true', 'false'], { error: 'must be one of: true, false' })
    .optional()
    .describe('`true`: goes on while more is said, and ends with it'),
});
export type LogQuery = z.infer<typeof LogQuery>;
