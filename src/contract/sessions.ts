import { z } from 'zod';
import { id, secondFactorCode } from './fields.ts';
import { instant } from './instant.ts';
import { LIMITS } from './limits.ts';
import { submittedPassword } from './people.ts';

export const Session = z
  .object({
    id,
    kind: z.enum(['browser', 'device']),
    current: z.boolean(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    createdAt: instant,
    lastUsedAt: instant,
    expiresAt: instant,
  })
  .meta({ id: 'Session', title: 'A session of a browser or of the CLI, without its secret' });
export type Session = z.infer<typeof Session>;

export const SignIn = z
  .strictObject({
    email: z.string().max(LIMITS.email.max),
    password: submittedPassword,
    code: secondFactorCode.optional(),
  })
  .meta({ id: 'SignIn' });
export type SignIn = z.infer<typeof SignIn>;
