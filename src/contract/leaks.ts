import { z } from 'zod';
import { LEAK_LIMITS } from './limits.ts';
import { LEAK_LABELS } from './vocabulary.ts';

/** One secret that is reported as leaked, in the format of GitHub's secret scanning. Other fields are ignored. */
export const LeakReport = z
  .object({
    token: z
      .string()
      .min(1)
      .describe('The secret of an access token, an API key or a session')
      .meta({ examples: ['workspace_token_… (the leaked secret)'] }),
    type: z.string().nullish().describe("The scanner's name for this kind of secret; returned as `token_type`"),
    url: z
      .string()
      .nullish()
      .describe('URL at which the secret was found')
      .meta({ examples: ['https://github.com/acme/shop/blob/main/deploy.sh'] }),
    source: z
      .string()
      .nullish()
      .describe('Kind of content in which the secret was found, such as a file, a commit or an issue')
      .meta({ examples: ['content'] }),
  })
  .meta({ id: 'LeakReport' });
export type LeakReport = z.infer<typeof LeakReport>;

const tooMany = `must contain at most ${LEAK_LIMITS.reports} secrets`;
export const LeakReports = z.array(LeakReport).max(LEAK_LIMITS.reports, tooMany);

export const LeakLabel = z
  .object({
    token_hash: z.string().describe('SHA-256 of the secret as it was sent, in hexadecimal'),
    token_type: z.string(),
    label: z
      .enum(LEAK_LABELS)
      .describe(
        '`true_positive` for the secret of a session or credential of this server, including credentials that were deleted, and sessions that were reported or revoked by their secret, within the last 90 days',
      ),
  })
  .meta({ id: 'LeakLabel' });
export type LeakLabel = z.infer<typeof LeakLabel>;
