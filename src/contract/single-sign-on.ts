import { z } from 'zod';
import { id, secondFactorCode, submittedCode } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { LIMITS } from './limits.ts';

const returnPath = z
  .string()
  .max(LIMITS.cursor.max)
  .optional()
  .describe('Path of a page of the web UI to return to; any other URL is replaced with `/`')
  .meta({ examples: ['/settings/access-tokens'] });

export const SingleSignOnQuery = z.strictObject({ return: returnPath });

export const StartSingleSignOn = z
  .strictObject({
    return: returnPath,
    invitation: submittedCode.optional().describe('Code of an invitation, for a new account'),
    setupCode: submittedCode.optional().describe('The setup code, for the first account'),
    fresh: z.boolean().optional().describe('Whether the person must sign in at the provider again'),
  })
  .meta({ id: 'StartSingleSignOn' });
export type StartSingleSignOn = z.infer<typeof StartSingleSignOn>;

export const SingleSignOnUrl = z
  .object({ url: z.string().describe('URL of the provider. Open it in the same browser') })
  .meta({ id: 'SingleSignOnUrl' });

export const SecondFactor = z.strictObject({ code: secondFactorCode }).meta({ id: 'SecondFactor' });
export const SignInLink = z
  .strictObject({ link: submittedCode.describe('Code of the link'), code: secondFactorCode.optional() })
  .meta({ id: 'SignInLink' });

export const Identity = z
  .object({ id, email: z.string().nullable(), createdAt: instant, lastUsedAt: instant })
  .meta({ id: 'Identity', title: 'An account at the OpenID Connect provider that signs the person in' });
export type Identity = z.infer<typeof Identity>;

export const OwnSingleSignOn = z
  .object({
    name: z.string().nullable().describe('Name of the provider; null if single sign-on is not set up'),
    identities: z.array(Identity),
    confirmedUntil: nullableInstant.describe('Time until which the last sign-in confirms sensitive actions'),
  })
  .meta({ id: 'OwnSingleSignOn' });
export type OwnSingleSignOn = z.infer<typeof OwnSingleSignOn>;

export const LogoutRequest = z
  .object({ logout_token: z.string().max(16_384).optional() })
  .meta({ id: 'LogoutRequest' });
