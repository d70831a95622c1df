/** Schema of a log line. Runs in browsers and on the server. */
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
    partial: z.literal(true).optional().describe('Only with `partial=true`: the line has no end yet'),
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
  q: z
    .string()
    .min(1, 'must not be empty')
    .max(200, 'must be at most 200 characters')
    .optional()
    .describe('Only lines that contain this text, in upper or lower case; colors are ignored. Not together with follow')
    .meta({ examples: ['error'] }),
  partial: flag
    .optional()
    .describe(
      'With `follow=true`: `true` also sends lines that have no end yet, such as progress bars, with `partial: true`. The next line of the same step, stream and server replaces such a line, and `from` does not count it',
    ),
  follow: flag.optional().describe('`true`: streams new lines until the log ends'),
});
export type LogQuery = z.infer<typeof LogQuery>;
