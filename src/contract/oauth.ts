import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { ProblemBody } from './problem-body.ts';
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
  .meta({ id: 'Introspection', title: 'RFC 7662' });
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
  .meta({ id: 'ServerMetadata', title: 'RFC 8414' });

/** Any length is accepted, because malformed secrets get the same response as unknown ones. */
const submittedSecret = z.string().max(LIMITS.bodyBytes);
const submittedToken = submittedSecret.transform((text) => text.trim());
/** Authentication in the body (RFC 6749, section 2.3.1). */
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

/** A problem with the members of RFC 6749, section 5.2. */
export const OAuthError = ProblemBody.extend({ error: z.string(), error_description: z.string() }).meta({
  id: 'OAuthError',
  title: 'An OAuth error (RFC 6749, section 5.2)',
});
