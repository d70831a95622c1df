/**
 * The wire shapes of the contract. One schema validates, types and documents each of them.
 * Runs in a browser as well as in the server.
 */
import { z } from 'zod';
import { givenInstant, instant, maybeInstant } from './instant.ts';
import {
  ACCESS_TOKEN_STATUSES,
  API_KEY_STATUSES,
  AUDIT_ACTIONS,
  AUDIT_NOUNS,
  CODES,
  CREDENTIAL_KINDS,
  CREDENTIAL_SORTS,
  type CredentialKind,
  describeRight,
  GIVEN_ROLES,
  GUARD_MEANING,
  LIMITS,
  PERMISSIONS,
  type Permission,
  ROLES,
  SCOPES,
  type Scope,
  SECRET_PREFIXES,
} from './words.ts';

export { instant, maybeInstant };

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROL_BUT_LINES = /[^\P{Cc}\n\r\t]/u;

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/**
 * Text that is short enough to be normalized. Normalizing costs the square of the combining characters in a row,
 * so it must not begin with text that is too long anyway. NFC makes one of four characters at most.
 */
const boundedText = (max: number, error: string) => z.string().max(max * 4 + 64, { error, abort: true });

/** NFC, trimmed, `min` to `max` code points, no control characters, no half surrogate pairs. */
export function line(min: number, max: number, example: string) {
  return boundedText(max, `takes ${min} to ${max} characters`)
    .overwrite((text) => text.normalize('NFC').trim())
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .refine((text) => !CONTROL.test(text), 'must not contain control characters')
    .refine((text) => codePoints(text) >= min && codePoints(text) <= max, `takes ${min} to ${max} characters`)
    .meta({ minLength: min, maxLength: max, examples: [example] });
}

/** NFC, not trimmed, `min` to `max` code points; control characters are refused. */
function secretText(min: number, max: number, example: string) {
  return boundedText(max, `takes ${min} to ${max} characters`)
    .overwrite((text) => text.normalize('NFC'))
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .refine((text) => !CONTROL.test(text), 'must not contain control characters')
    .refine((text) => codePoints(text) >= min && codePoints(text) <= max, `takes ${min} to ${max} characters`)
    .meta({ minLength: min, maxLength: max, examples: [example] });
}

function distinct<const T extends readonly [string, ...string[]]>(words: T, what: string) {
  return z
    .array(z.enum(words, { error: `must be one of: ${words.join(', ')}` }))
    .min(1, `needs at least one ${what}`)
    .max(words.length, `names each ${what} once`)
    .refine((list) => new Set(list).size === list.length, `names each ${what} once`)
    .meta({ uniqueItems: true });
}

/** That it lies in the future is checked where the clock is. */
const expiry = givenInstant.nullable().meta({ examples: ['2027-02-24T09:00:00.000Z'] });

export const name = line(LIMITS.name.min, LIMITS.name.max, 'CI/CD Pipeline');
export const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'takes 1 to 63 of a-z, 0-9 and -, not at either end')
  .meta({ examples: ['acme'] });
export const description = boundedText(LIMITS.description.max, `takes up to ${LIMITS.description.max} characters`)
  .overwrite((text) => text.normalize('NFC').trim())
  .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
  .refine((text) => !CONTROL_BUT_LINES.test(text), 'must not contain control characters')
  .refine((text) => codePoints(text) <= LIMITS.description.max, `takes up to ${LIMITS.description.max} characters`)
  .nullable()
  .meta({ maxLength: LIMITS.description.max, examples: ['Deploys the shop from the release pipeline'] });
const describeRights = (rights: readonly (Scope | Permission)[]): string =>
  rights.map((right) => `\`${right}\`: ${describeRight(right)}`).join('\n\n');
export const scopes = distinct(SCOPES, 'scope').describe(describeRights(SCOPES));
export const permissions = distinct(PERMISSIONS, 'permission').describe(describeRights(PERMISSIONS));
export const passphrase = secretText(LIMITS.passphrase.min, LIMITS.passphrase.max, 'correct horse battery staple');
const password = secretText(LIMITS.password.min, LIMITS.password.max, 'a long and private sentence');
/** A password as tried: bounded, but not judged, so that an old rule never locks anybody out. */
const triedPassword = z
  .string()
  .min(1)
  .max(LIMITS.password.max * 8);
const personName = line(LIMITS.personName.min, LIMITS.personName.max, 'Ada Lovelace');
export const email = z
  .string()
  .max(LIMITS.email.max, { error: `takes up to ${LIMITS.email.max} characters`, abort: true })
  .overwrite((text) => text.normalize('NFC').trim())
  .pipe(z.email('takes an email address'))
  .meta({ maxLength: LIMITS.email.max, examples: ['ada@example.com'] });
export const id = z
  .string()
  .max(64)
  .meta({ examples: ['tok_01kaexample0000000000000000'] });
const code = z.string().min(1).max(255);

const personRef = z.object({ id, name: z.string(), email: z.string() });

// Answers

const credentialFacts = {
  id,
  name: z.string(),
  active: z.boolean(),
  hint: z.string(),
  expiresAt: maybeInstant,
  createdAt: instant,
  createdBy: personRef.nullable(),
  lastUsedAt: maybeInstant,
  useCount: z.int().min(0),
};

export const AccessToken = z
  .object({
    ...credentialFacts,
    kind: z.literal('access_token'),
    scopes: z.array(z.enum(SCOPES)),
    hasPassphrase: z.boolean(),
    status: z.enum(ACCESS_TOKEN_STATUSES),
  })
  .meta({ id: 'AccessToken', title: 'An access token, never its secret' });
export type AccessToken = z.infer<typeof AccessToken>;

export const ApiKey = z
  .object({
    ...credentialFacts,
    kind: z.literal('api_key'),
    description: z.string().nullable(),
    permissions: z.array(z.enum(PERMISSIONS)),
    guard: z.boolean().describe(GUARD_MEANING),
    status: z.enum(API_KEY_STATUSES),
    updatedAt: instant,
  })
  .meta({ id: 'ApiKey', title: 'An API key, never its secret' });
export type ApiKey = z.infer<typeof ApiKey>;

const secretOf = (kind: CredentialKind) =>
  z
    .string()
    .describe('The plain secret. No other answer ever carries it.')
    .meta({ examples: [`${SECRET_PREFIXES[kind]}… (shown once)`] });
export const CreatedAccessToken = AccessToken.extend({ secret: secretOf('access_token') }).meta({
  id: 'CreatedAccessToken',
});
export type CreatedAccessToken = z.infer<typeof CreatedAccessToken>;
export const CreatedApiKey = ApiKey.extend({ secret: secretOf('api_key') }).meta({ id: 'CreatedApiKey' });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;

export const CredentialUses = z
  .object({
    days: z
      .array(z.object({ day: z.iso.date(), count: z.int() }))
      .describe('Uses a day (UTC), oldest first; days without a use are left out'),
    addresses: z
      .array(
        z.object({
          address: z.string(),
          firstSeenAt: instant,
          lastSeenAt: instant,
          reportedBy: z
            .string()
            .nullable()
            .describe('The API key of the guard that reported the address last; null where Devpilot saw it itself'),
        }),
      )
      .describe('The addresses it was used from lately, newest first, at most 20'),
    guards: z
      .array(z.object({ id: z.string(), name: z.string().nullable(), count: z.int(), lastUsedAt: instant }))
      .describe(
        'The uses that guards reported, by the API key of the guard, latest first, at most 20; a null name is that of a deleted key',
      ),
  })
  .meta({ id: 'CredentialUses' });
export type CredentialUses = z.infer<typeof CredentialUses>;

export const Person = z
  .object({
    id,
    name: z.string(),
    email: z.string(),
    twoFactor: z.boolean(),
    operator: z.boolean().describe('Administers the installation'),
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
    disabled: z.boolean().describe('Cannot sign in'),
    workspaces: z.number().int().describe('How many workspaces the person is a member of'),
    createdAt: instant,
    lastUsedAt: instant.nullable().describe('When a session of theirs was last used, within the hour'),
  })
  .meta({ id: 'Account', title: 'A person, as operators see them' });
export type Account = z.infer<typeof Account>;

export const ResetLink = z
  .object({ url: z.string().describe('To hand over to the person; works once'), expiresAt: instant })
  .meta({ id: 'ResetLink' });
export type ResetLink = z.infer<typeof ResetLink>;

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
  .meta({ id: 'Session', title: 'A signed-in browser or CLI, never its secret' });
export type Session = z.infer<typeof Session>;

export const Workspace = z
  .object({ id, name: z.string(), slug: z.string(), role: z.enum(ROLES), createdAt: instant, updatedAt: instant })
  .meta({ id: 'Workspace' });
export type Workspace = z.infer<typeof Workspace>;

export const Member = z
  .object({
    id,
    personId: id,
    name: z.string(),
    email: z.string(),
    role: z.enum(ROLES),
    twoFactor: z.boolean(),
    createdAt: instant,
  })
  .meta({ id: 'Member' });
export type Member = z.infer<typeof Member>;

export const Invitation = z
  .object({
    id,
    email: z.string(),
    role: z.enum(GIVEN_ROLES),
    createdAt: instant,
    createdBy: personRef.nullable(),
    expiresAt: instant,
  })
  .meta({ id: 'Invitation' });
export type Invitation = z.infer<typeof Invitation>;
export const CreatedInvitation = Invitation.extend({
  code: z.string(),
  url: z.string(),
  mailed: z.boolean().describe('Whether the link also went out by mail'),
}).meta({ id: 'CreatedInvitation' });
export type CreatedInvitation = z.infer<typeof CreatedInvitation>;

const auditParty = z.object({ kind: z.enum(AUDIT_NOUNS), id: z.string().nullable(), name: z.string().nullable() });
export const AuditEvent = z
  .object({
    id,
    sequence: z.int(),
    action: z.enum(AUDIT_ACTIONS),
    at: instant,
    actor: auditParty,
    target: auditParty.nullable(),
    credential: z
      .object({ id, kind: z.enum(CREDENTIAL_KINDS), name: z.string() })
      .nullable()
      .describe('The credential that this is about or that did it; kept after it is deleted'),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    detail: z
      .record(z.string(), z.unknown())
      .describe('`before` and `after` of an edit, `reason` and `count` of a denial; never a secret'),
    previousHash: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEvent' });
export type AuditEvent = z.infer<typeof AuditEvent>;

export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(CODES) as [string, ...string[]]),
    requestId: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    required: z.array(z.string()).optional(),
    reasons: z.array(z.string()).optional(),
    id: z.string().optional(),
    error: z.string().optional(),
  })
  .meta({ id: 'Problem', title: 'A problem (RFC 9457)' });
export type ProblemBody = z.infer<typeof ProblemBody>;

export const Whoami = z
  .object({
    principal: z.object({
      kind: z.enum(['person', 'access_token', 'api_key']),
      id,
      name: z.string(),
      email: z.string().optional(),
    }),
    workspace: z.object({ id, name: z.string(), slug: z.string() }).nullable(),
    rights: z.object({
      role: z.enum(ROLES).nullable(),
      scopes: z.array(z.enum(SCOPES)),
      permissions: z.array(z.enum(PERMISSIONS)),
    }),
    expiresAt: maybeInstant,
  })
  .meta({ id: 'Whoami' });
export type Whoami = z.infer<typeof Whoami>;

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

export const TwoFactor = z.object({ enabled: z.boolean(), recoveryCodesLeft: z.int() }).meta({ id: 'TwoFactor' });
export const TwoFactorStart = z
  .object({ secret: z.string(), uri: z.string().describe('otpauth://, to be shown as a QR code') })
  .meta({ id: 'TwoFactorStart' });
export const RecoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()).describe('Each works once; shown only here') })
  .meta({ id: 'RecoveryCodes' });

export const Passkey = z
  .object({
    id,
    name: z.string(),
    backedUp: z.boolean().describe('Whether it is kept in sync over several devices'),
    createdAt: instant,
    lastUsedAt: maybeInstant,
  })
  .meta({ id: 'Passkey', title: 'A way to sign in without a password (WebAuthn); only its public key is kept' });
export type Passkey = z.infer<typeof Passkey>;
const publicKeyOptions = z
  .record(z.string(), z.unknown())
  .describe('To be handed to the browser as they stand; good for one answer within five minutes');
export const PasskeyOptions = z.object({ options: publicKeyOptions }).meta({ id: 'PasskeyOptions' });

export const DeviceCode = z
  .object({
    device_code: z.string(),
    user_code: z.string(),
    verification_uri: z.string(),
    verification_uri_complete: z.string(),
    expires_in: z.int(),
    interval: z.int(),
  })
  .meta({ id: 'DeviceCode', title: 'RFC 8628, section 3.2' });
export const DeviceToken = z
  .object({ access_token: z.string(), token_type: z.literal('Bearer'), expires_in: z.int() })
  .meta({ id: 'DeviceToken', title: 'RFC 8628, section 3.5' });
export const DeviceRequest = z
  .object({
    userCode: z.string(),
    client: z.string(),
    address: z.string().nullable(),
    createdAt: instant,
    expiresAt: instant,
  })
  .meta({ id: 'DeviceRequest' });

/** A page of a list. `nextCursor` is null on the last one. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), nextCursor: z.string().nullable() });
}
export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

// Requests: unknown fields are refused

export const CreateAccessToken = z
  .strictObject({ name, scopes, passphrase: passphrase.nullable().optional(), expiresAt: expiry.optional() })
  .meta({ id: 'CreateAccessToken' });
export type CreateAccessToken = z.infer<typeof CreateAccessToken>;

export const CreateApiKey = z
  .strictObject({
    name,
    description: description.optional(),
    permissions,
    expiresAt: expiry.optional(),
    active: z.boolean().optional(),
    guard: z.boolean().optional().describe(GUARD_MEANING),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.infer<typeof CreateApiKey>;

export const UpdateApiKey = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    permissions: permissions.optional(),
    expiresAt: expiry.optional(),
    active: z.boolean().optional(),
    guard: z.boolean().optional().describe(GUARD_MEANING),
  })
  .meta({ id: 'UpdateApiKey' });
export type UpdateApiKey = z.infer<typeof UpdateApiKey>;

export const SignUp = z
  .strictObject({ name: personName, email, password, setupCode: code.optional(), invitation: code.optional() })
  .meta({ id: 'SignUp' });
export type SignUp = z.infer<typeof SignUp>;

export const SignIn = z
  .strictObject({ email: z.string().max(LIMITS.email.max), password: triedPassword, code: code.optional() })
  .meta({ id: 'SignIn' });
export type SignIn = z.infer<typeof SignIn>;

export const UpdateMe = z.strictObject({ name: personName.optional() }).meta({ id: 'UpdateMe' });
export const ChangePassword = z
  .strictObject({ currentPassword: triedPassword, newPassword: password })
  .meta({ id: 'ChangePassword' });
export const RequestPasswordReset = z.strictObject({ email }).meta({ id: 'RequestPasswordReset' });
export const ResetPassword = z.strictObject({ password }).meta({ id: 'ResetPassword' });
export const UpdateAccount = z
  .strictObject({ disabled: z.boolean().optional(), operator: z.boolean().optional() })
  .meta({ id: 'UpdateAccount' });
export const ConfirmTwoFactor = z.strictObject({ code }).meta({ id: 'ConfirmTwoFactor' });

const passkeyName = line(LIMITS.personName.min, LIMITS.personName.max, 'Laptop of Ada');
const bytes = (max: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'takes base64url')
    .max(max, `takes up to ${max} characters`);
/** What a browser says beside the answer itself; it may grow, so that what is not known here is dropped, not refused. */
const passkeyFacts = {
  id: bytes(1400),
  rawId: bytes(1400),
  type: z.literal('public-key'),
  authenticatorAttachment: z.string().max(64).nullish(),
  clientExtensionResults: z.record(z.string(), z.unknown()).optional(),
};
/** WebAuthn level 3, section 5.1: `RegistrationResponseJSON`. */
export const NewPasskey = z.object({
  ...passkeyFacts,
  response: z.object({
    clientDataJSON: bytes(8192),
    attestationObject: bytes(65_536),
    transports: z.array(z.string().max(32)).max(16).optional(),
  }),
});
export type NewPasskey = z.infer<typeof NewPasskey>;
/** WebAuthn level 3, section 5.1: `AuthenticationResponseJSON`. */
export const ShownPasskey = z.object({
  ...passkeyFacts,
  response: z.object({
    clientDataJSON: bytes(8192),
    authenticatorData: bytes(8192),
    signature: bytes(8192),
    userHandle: bytes(128).nullish(),
  }),
});
export type ShownPasskey = z.infer<typeof ShownPasskey>;
export const CreatePasskey = z.strictObject({ name: passkeyName, response: NewPasskey }).meta({ id: 'CreatePasskey' });
export const UpdatePasskey = z.strictObject({ name: passkeyName }).meta({ id: 'UpdatePasskey' });
/** Fresh proof before something sensitive: as strong as a sign-in. */
export const ProveItIsMe = z
  .strictObject({ password: triedPassword.optional(), code: code.optional(), passkey: ShownPasskey.optional() })
  .refine(
    ({ password, code, passkey }) =>
      passkey === undefined ? password !== undefined : password === undefined && code === undefined,
    { path: ['password'], error: 'send the password, with the current code if a second factor is set; or a passkey' },
  )
  .meta({ id: 'ProveItIsMe' });
export type ProveItIsMe = z.infer<typeof ProveItIsMe>;
export const PasskeySignIn = z.strictObject({ response: ShownPasskey }).meta({ id: 'PasskeySignIn' });

export const CreateWorkspace = z.strictObject({ name, slug: slug.optional() }).meta({ id: 'CreateWorkspace' });
export const UpdateWorkspace = z
  .strictObject({ name: name.optional(), slug: slug.optional() })
  .meta({ id: 'UpdateWorkspace' });
export const HandOver = z.strictObject({ memberId: id }).meta({ id: 'HandOver' });
export const UpdateMember = z
  .strictObject({ role: z.enum(GIVEN_ROLES, { error: `must be one of: ${GIVEN_ROLES.join(', ')}` }) })
  .meta({ id: 'UpdateMember' });
export const CreateInvitation = z
  .strictObject({ email, role: z.enum(GIVEN_ROLES, { error: `must be one of: ${GIVEN_ROLES.join(', ')}` }) })
  .meta({ id: 'CreateInvitation' });

export const DeviceCodeRequest = z
  .strictObject({ client_id: z.string().max(255).optional(), scope: z.string().max(255).optional() })
  .meta({ id: 'DeviceCodeRequest' });
export const DeviceTokenRequest = z
  .strictObject({
    grant_type: z.string().max(255),
    device_code: z.string().max(255),
    client_id: z.string().max(255).optional(),
  })
  .meta({ id: 'DeviceTokenRequest' });
export const DeviceAnswer = z.strictObject({ userCode: z.string().min(1).max(32) }).meta({ id: 'DeviceAnswer' });

/** What can't be a secret is answered like one that is unknown, however long it is. */
const tried = z.string().max(LIMITS.body);
export const IntrospectRequest = z
  .object({
    token: tried,
    passphrase: tried.optional(),
    token_type_hint: z.string().max(255).optional(),
  })
  .meta({ id: 'IntrospectRequest' });
export const RevokeRequest = z
  .object({ token: tried.optional(), token_type_hint: z.string().max(255).optional() })
  .meta({ id: 'RevokeRequest' });

// Queries

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `takes a whole number from ${min} to ${max}`)
    .refine((text) => Number(text) >= min && Number(text) <= max, `takes a whole number from ${min} to ${max}`)
    .meta({ examples: [String(max)] });

export const paging = {
  limit: wholeNumber(1, LIMITS.page.max).optional(),
  cursor: z.string().min(1).max(LIMITS.cursor.max).optional(),
};
export const PageQuery = z.strictObject(paging);

const sorts = CREDENTIAL_SORTS.flatMap((sort) => [sort, `-${sort}`] as const);
/** Text to look for; PostgreSQL has no NUL, so nothing there could match one. */
const sought = (max: number) =>
  z
    .string()
    .refine((text) => codePoints(text) <= max, `takes up to ${max} characters`)
    .refine((text) => !text.includes('\0'), 'must not contain control characters')
    .meta({ maxLength: max });

const credentialQuery = {
  ...paging,
  q: sought(LIMITS.query.max).optional().describe('Part of the name, whatever its case'),
  createdBy: sought(64).optional().describe('Id of the person who created it'),
  unusedForDays: wholeNumber(0, 36_500).optional().describe('Not used in the last so many days, and at least that old'),
  sort: z.enum(sorts as [string, ...string[]], { error: `must be one of: ${sorts.join(', ')}` }).optional(),
};
export const AccessTokenQuery = z.strictObject({
  ...credentialQuery,
  status: z.enum(ACCESS_TOKEN_STATUSES, { error: `must be one of: ${ACCESS_TOKEN_STATUSES.join(', ')}` }).optional(),
  scope: z.enum(SCOPES, { error: `must be one of: ${SCOPES.join(', ')}` }).optional(),
});
export type AccessTokenQuery = z.infer<typeof AccessTokenQuery>;
export const ApiKeyQuery = z.strictObject({
  ...credentialQuery,
  status: z.enum(API_KEY_STATUSES, { error: `must be one of: ${API_KEY_STATUSES.join(', ')}` }).optional(),
  permission: z.enum(PERMISSIONS, { error: `must be one of: ${PERMISSIONS.join(', ')}` }).optional(),
});
export type ApiKeyQuery = z.infer<typeof ApiKeyQuery>;

export const since = givenInstant.optional();
export const AccountQuery = z.strictObject({
  ...paging,
  q: sought(LIMITS.query.max).optional().describe('Part of the name or email address, whatever its case'),
});

export const AuditQuery = z.strictObject({
  ...paging,
  action: z.enum(AUDIT_ACTIONS, { error: `must be one of: ${AUDIT_ACTIONS.join(', ')}` }).optional(),
  actor: sought(64).optional().describe('Id of the person or credential that did it'),
  target: sought(64).optional().describe('Id of what it was done to'),
  credential: sought(64).optional().describe('Id of a credential, as actor or target'),
  from: since.describe('From this instant on'),
  to: since.describe('Before this instant'),
});
export type AuditQuery = z.infer<typeof AuditQuery>;
