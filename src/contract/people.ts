import { z } from 'zod';
import { email, id, personName, searchText, submittedCode, untrimmedText } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { LIMITS } from './limits.ts';
import { pagingFields } from './paging.ts';

export const password = untrimmedText(LIMITS.password.min, LIMITS.password.max, 'a long and private sentence');
/**
 * A password to check. Its length is bounded, but the rules for new passwords do not apply, so that a person whose
 * password was set under older rules is not locked out.
 */
export const submittedPassword = z
  .string()
  .min(1)
  .max(LIMITS.password.max * 8);

export const Person = z
  .object({
    id,
    name: z.string(),
    email: z.string(),
    twoFactor: z.boolean(),
    operator: z.boolean().describe('Whether the person administers the installation'),
    canCreateWorkspaces: z.boolean(),
    createdAt: instant,
  })
  .meta({ id: 'Person' });
export type Person = z.infer<typeof Person>;

export const Account = z
  .object({
    id,
    name: z.string(),
    email: z.string(),
    twoFactor: z.boolean(),
    operator: z.boolean(),
    disabled: z.boolean().describe('Whether the account is disabled and the person cannot sign in'),
    workspaces: z.number().int().describe('Number of workspaces of which the person is a member'),
    createdAt: instant,
    lastUsedAt: nullableInstant.describe('Last use of a session, accurate to the hour'),
  })
  .meta({ id: 'Account', title: 'A person, as shown to operators' });
export type Account = z.infer<typeof Account>;

export const SignUp = z
  .strictObject({
    name: personName,
    email,
    password,
    setupCode: submittedCode.optional(),
    invitation: submittedCode.optional(),
  })
  .meta({ id: 'SignUp' });
export type SignUp = z.infer<typeof SignUp>;

export const UpdateMe = z.strictObject({ name: personName.optional() }).meta({ id: 'UpdateMe' });
export const ChangePassword = z
  .strictObject({ currentPassword: submittedPassword, newPassword: password })
  .meta({ id: 'ChangePassword' });
export const UpdateAccount = z
  .strictObject({ disabled: z.boolean().optional(), operator: z.boolean().optional() })
  .meta({ id: 'UpdateAccount' });
export const AccountQuery = z.strictObject({
  ...pagingFields,
  q: searchText(LIMITS.query.max).optional().describe('Text in the name or email address, case-insensitive'),
});
