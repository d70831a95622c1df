import { z } from 'zod';
import { submittedCode } from './fields.ts';
import { PasskeyAssertion } from './passkeys.ts';
import { submittedPassword } from './people.ts';

/** Proof required again before a sensitive action, as strong as for a sign-in. */
export const Reauthenticate = z
  .strictObject({
    password: submittedPassword.optional(),
    code: submittedCode.optional(),
    passkey: PasskeyAssertion.optional(),
  })
  .refine(
    ({ password, code, passkey }) =>
      passkey === undefined ? password !== undefined : password === undefined && code === undefined,
    {
      path: ['password'],
      error: 'must be sent, with the current code if two-factor authentication is on, unless a passkey is sent',
    },
  )
  .meta({ id: 'Reauthenticate' });
export type Reauthenticate = z.infer<typeof Reauthenticate>;
