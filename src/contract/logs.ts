/** Schema of a log line (contract section 8). Runs in browsers and on the server. */
import { z } from 'zod';
import { flag, id } from './fields.ts';
import { instant } from './instant.ts';
import { LOG_STREAMS } from './platform-vocabulary.ts';

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
    .regex(/^\d{1,9}$/, 'must be the number of lines to skip')
    .meta({ type: 'integer', minimum: 0, maximum: 999_999_999, default: 0 })
    .optional()
    .describe('Number of lines to skip; to resume after a lost connection, the number of lines received'),
  follow: flag.optional().describe('`true`: streams new lines until the log ends'),
});
export type LogQuery = z.infer<typeof LogQuery>;
