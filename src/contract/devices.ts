import { z } from 'zod';
import { singleLineText } from './fields.ts';
import { instant } from './instant.ts';

export const DeviceCode = z
  .object({
    device_code: z.string(),
    user_code: z.string(),
    verification_uri: z.string(),
    verification_uri_complete: z.string(),
    expires_in: z.int(),
    interval: z.int(),
  })
  .meta({ id: 'DeviceCode', title: 'A device authorization response (RFC 8628, section 3.2)' });
export const DeviceToken = z
  .object({ access_token: z.string(), token_type: z.literal('Bearer'), expires_in: z.int() })
  .meta({ id: 'DeviceToken', title: 'A device access token response (RFC 8628, section 3.5)' });
export type DeviceToken = z.infer<typeof DeviceToken>;
/** A sign-in that waits for the decision of a person. */
export const DeviceRequest = z
  .object({
    userCode: z.string(),
    client: z.string(),
    address: z.string().nullable(),
    createdAt: instant,
    expiresAt: instant,
  })
  .meta({ id: 'DeviceRequest' });

export const DeviceCodeRequest = z
  .object({ client_id: singleLineText(0, 255, 'devpilot-cli').optional(), scope: z.string().max(255).optional() })
  .meta({ id: 'DeviceCodeRequest' });
export const DeviceTokenRequest = z
  .object({
    grant_type: z.string().max(255),
    device_code: z.string().max(255).optional(),
    client_id: z.string().max(255).optional(),
  })
  .meta({ id: 'DeviceTokenRequest' });
/** Identifies the sign-in. The decision is in the path. */
export const DeviceDecision = z.strictObject({ userCode: z.string().min(1).max(32) }).meta({ id: 'DeviceDecision' });
