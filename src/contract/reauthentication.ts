import { z } from 'zod';
import { secondFactorCode } from './fields.ts';
import { PasskeyAssertion } from './passkeys.ts';
import { submittedPassword } from './people.ts';

/** The proof of identity for a sensitive action. It is as strong as the proof for a sign-in. */
export const Reauthenticate = z
  .strictObject({
    password: submittedPassword.optional(),
    code: secondFactorCode.optional(),
    passkey: PasskeyAssertion.optional(),
    singleSignOn: z
      .literal(true)
      .optional()
      .describe("Uses this session's sign-in at the provider as proof, if it is not older than ten minutes"),
  })
  .refine(
    ({ password, code, passkey, singleSignOn }) => {
      const hasPassword = password !== undefined;
      if (passkey === undefined && singleSignOn === undefined) return hasPassword;
      const hasBoth = passkey !== undefined && singleSignOn !== undefined;
      return !hasBoth && !hasPassword && code === undefined;
    },
    {
      path: ['password'],
      error:
        'must be sent, with the current code if two-factor authentication is on; to use passkey or singleSignOn instead, send only that field',
    },
  )
  .meta({ id: 'Reauthenticate' });
export type Reauthenticate = z.infer<typeof Reauthenticate>;
