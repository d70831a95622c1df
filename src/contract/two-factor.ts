import { z } from 'zod';
import { submittedCode } from './fields.ts';

export const TwoFactor = z.object({ enabled: z.boolean(), recoveryCodesLeft: z.int() }).meta({ id: 'TwoFactor' });
export const TwoFactorSetup = z
  .object({ secret: z.string(), uri: z.string().describe('The `otpauth://` URI to show as a QR code') })
  .meta({ id: 'TwoFactorSetup' });
export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()).describe('Each code works once. The codes are not shown again') })
  .meta({ id: 'RecoveryCodes' });
export const ConfirmTwoFactor = z.strictObject({ code: submittedCode }).meta({ id: 'ConfirmTwoFactor' });
