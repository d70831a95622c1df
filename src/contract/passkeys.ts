import { z } from 'zod';
import { id, singleLineText } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { LIMITS } from './limits.ts';

export const Passkey = z
  .object({
    id,
    name: z.string(),
    backedUp: z.boolean().describe('Whether the passkey is synced across devices'),
    createdAt: instant,
    lastUsedAt: nullableInstant,
  })
  .meta({
    id: 'Passkey',
    title: 'A WebAuthn credential for signing in without a password. Only its public key is stored',
  });
export type Passkey = z.infer<typeof Passkey>;
const publicKeyOptions = z
  .record(z.string(), z.unknown())
  .describe('Options to pass to the browser unchanged. They are valid for one response within five minutes');
export const PasskeyOptions = z.object({ options: publicKeyOptions }).meta({ id: 'PasskeyOptions' });

const passkeyName = singleLineText(LIMITS.personName.min, LIMITS.personName.max, "Ada's laptop");
const base64urlText = (max: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'must be base64url')
    .max(max, `must be at most ${max} characters`);
/**
 * Fields that browsers send with a response. Unknown fields are dropped and not rejected, because browsers can add
 * some.
 */
const passkeyFields = {
  id: base64urlText(1400),
  rawId: base64urlText(1400),
  type: z.literal('public-key'),
  authenticatorAttachment: z.string().max(64).nullish(),
  clientExtensionResults: z.record(z.string(), z.unknown()).optional(),
};
/** WebAuthn level 3, section 5.1: `RegistrationResponseJSON`. */
export const PasskeyRegistration = z.object({
  ...passkeyFields,
  response: z.object({
    clientDataJSON: base64urlText(8192),
    attestationObject: base64urlText(65_536),
    transports: z.array(z.string().max(32)).max(16).optional(),
  }),
});
export type PasskeyRegistration = z.infer<typeof PasskeyRegistration>;
/** WebAuthn level 3, section 5.1: `AuthenticationResponseJSON`. */
export const PasskeyAssertion = z.object({
  ...passkeyFields,
  response: z.object({
    clientDataJSON: base64urlText(8192),
    authenticatorData: base64urlText(8192),
    signature: base64urlText(8192),
    userHandle: base64urlText(128).nullish(),
  }),
});
export type PasskeyAssertion = z.infer<typeof PasskeyAssertion>;
export const CreatePasskey = z
  .strictObject({ name: passkeyName, response: PasskeyRegistration })
  .meta({ id: 'CreatePasskey' });
export const UpdatePasskey = z.strictObject({ name: passkeyName }).meta({ id: 'UpdatePasskey' });
export const PasskeySignIn = z.strictObject({ response: PasskeyAssertion }).meta({ id: 'PasskeySignIn' });
