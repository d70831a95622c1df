/** Schemas of log lines. Runs in browsers and on the server. */
import { z } from 'zod';
import { booleanParameter, id } from './fields.ts';
import { instant } from './instant.ts';
import { LOG_STREAMS } from './platform-vocabulary.ts';

export const LogLine = z
  .object({
    at: instant,
    stream: z.enum(LOG_STREAMS),
    step: z.string().nullable(),
    serverId: id.nullable(),
    text: z.string(),
    partial: z.literal(true).optional().describe('True if the line is still incomplete. Only sent with `partial=true`'),
  })
  .meta({ id: 'LogLine' });
export type LogLine = z.infer<typeof LogLine>;

export const LogQuery = z.strictObject({
  from: z
    .string()
    .regex(/^\d{1,9}$/, 'must be the number of lines to skip')
    .meta({ type: 'integer', minimum: 0, maximum: 999_999_999, default: 0 })
    .optional()
    .describe(
      'Number of lines to skip. To resume after a lost connection, send the number of lines that were received',
    ),
  q: z
    .string()
    .min(1, 'must not be empty')
    .max(200, 'must be at most 200 characters')
    .optional()
    .describe(
      'Returns only lines that contain this text. Case-insensitive; colors are ignored. Cannot be combined with `follow=true`',
    )
    .meta({ examples: ['error'] }),
  partial: booleanParameter
    .optional()
    .describe(
      'With `follow=true`: whether to send incomplete lines too, such as progress bars, with `partial: true`. The next line with the same step, stream and server replaces an incomplete line. `from` does not count incomplete lines',
    ),
  follow: booleanParameter.optional().describe('Whether to stream new lines until the log ends'),
});
export type LogQuery = z.infer<typeof LogQuery>;
