import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { ProblemBody } from './problem-body.ts';
import { RestrictionsInput } from './restrictions.ts';
import { WORKLOAD_LIMITS } from './token-exchange-limits.ts';
import { CREDENTIAL_KINDS } from './vocabulary.ts';

export const Introspection = z
  .object({
    active: z.boolean(),
    scope: z.string().optional(),
    client_id: z.string().optional(),
    sub: z.string().optional(),
    token_type: z.string().optional(),
    iss: z.string().optional(),
    iat: z.int().optional(),
    exp: z.int().optional(),
    kind: z.enum(CREDENTIAL_KINDS).optional(),
  })
  .meta({ id: 'Introspection', title: 'A token introspection response (RFC 7662)' });
export type Introspection = z.infer<typeof Introspection>;

export const ServerMetadata = z
  .object({
    issuer: z.string(),
    token_endpoint: z.string(),
    token_endpoint_auth_methods_supported: z.array(z.string()),
    device_authorization_endpoint: z.string(),
    grant_types_supported: z.array(z.string()),
    response_types_supported: z.array(z.string()),
    introspection_endpoint: z.string(),
    introspection_endpoint_auth_methods_supported: z.array(z.string()),
    revocation_endpoint: z.string(),
    revocation_endpoint_auth_methods_supported: z.array(z.string()),
    service_documentation: z.string(),
  })
  .meta({ id: 'ServerMetadata', title: 'Authorization server metadata (RFC 8414)' });

/** A secret of any length, because malformed and unknown secrets get the same response. */
const submittedSecret = z.string().max(LIMITS.bodyBytes);
const submittedToken = submittedSecret.trim();
/** Fields for client authentication in the body (RFC 6749, section 2.3.1). */
const clientFields = { client_id: z.string().max(255).optional(), client_secret: submittedSecret.optional() };
export const IntrospectRequest = z
  .object({
    token: submittedToken,
    passphrase: submittedSecret.optional(),
    token_type_hint: z.string().max(255).optional(),
    ...clientFields,
  })
  .meta({ id: 'IntrospectRequest' });
export const RevokeRequest = z
  .object({ token: submittedToken, token_type_hint: z.string().max(255).optional(), ...clientFields })
  .meta({ id: 'RevokeRequest' });

/** A problem that also has the members of an OAuth error (RFC 6749, section 5.2). */
export const OAuthError = ProblemBody.extend({ error: z.string(), error_description: z.string() }).meta({
  id: 'OAuthError',
  title: 'An OAuth error (RFC 6749, section 5.2)',
});

export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const TOKEN_TYPES = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const;

const shortText = z.string().max(512);
/** JSON as text, because forms cannot contain objects. */
const restrictionsText = z
  .string()
  .max(WORKLOAD_LIMITS.restrictions)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('must be JSON');
      return z.NEVER;
    }
  })
  .pipe(RestrictionsInput);
/** A request to the token endpoint: the device grant, or a token exchange (RFC 8693, section 2.1). */
export const TokenRequest = z
  .object({
    grant_type: shortText,
    device_code: z.string().max(255).optional(),
    client_id: z.string().max(255).optional(),
    subject_token: z.string().max(WORKLOAD_LIMITS.subjectToken).trim().optional(),
    subject_token_type: shortText.optional(),
    requested_token_type: shortText.optional(),
    resource: shortText.optional().describe('ID of the workload identity; it can also be sent as `audience`'),
    audience: shortText.optional(),
    scope: z.string().max(1024).optional().describe('Scopes of the new token, separated by spaces'),
    expires_in: z.union([z.int(), z.string().regex(/^\d{1,9}$/)]).optional(),
    restrictions: restrictionsText
      .optional()
      .describe(
        'Tighter restrictions for the new token, as a JSON object with the members of `RequestedRestrictions`. Omitted members keep their value, except that `projects` and `apps` are replaced together',
      ),
    passphrase: submittedSecret
      .optional()
      .describe('The passphrase of the original access token (`subject_token`), if it has one'),
  })
  .meta({ id: 'TokenRequest' });
export type TokenRequest = z.infer<typeof TokenRequest>;

export const ExchangedToken = z
  .object({
    access_token: z.string(),
    issued_token_type: z.literal(TOKEN_TYPES.accessToken),
    token_type: z.literal('Bearer'),
    expires_in: z.int(),
    scope: z.string(),
  })
  .meta({ id: 'ExchangedToken', title: 'A token exchange response (RFC 8693, section 2.2.1)' });
export type ExchangedToken = z.infer<typeof ExchangedToken>;
