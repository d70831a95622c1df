import { z } from 'zod';
import { email } from './fields.ts';
import { instant } from './instant.ts';
import { password } from './people.ts';

export const PasswordResetLink = z
  .object({ url: z.string().describe('Link to send to the person; works once'), expiresAt: instant })
  .meta({ id: 'PasswordResetLink' });
export type PasswordResetLink = z.infer<typeof PasswordResetLink>;
export const RequestPasswordReset = z.strictObject({ email }).meta({ id: 'RequestPasswordReset' });
export const ResetPassword = z.strictObject({ password }).meta({ id: 'ResetPassword' });
