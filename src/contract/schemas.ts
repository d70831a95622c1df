/**
 * The wire shapes of the contract. One schema validates, types and documents each of them.
 * Runs in a browser as well as in the server.
 */
import { z } from 'zod';
import { instant, instantInput, nullableInstant } from './instant.ts';
import {
  ACCESS_TOKEN_STATUSES,
  API_KEY_STATUSES,
  ASSIGNABLE_ROLES,
  AUDIT_ACTIONS,
  AUDIT_PARTY_KINDS,
  CODES,
  CREDENTIAL_KINDS,
  CREDENTIAL_SORTS,
  type CredentialKind,
  describeRight,
  GUARD_DESCRIPTION,
  LIMITS,
  PERMISSIONS,
  type Permission,
  ROLES,
  SCOPES,
  type Scope,
  SECRET_PREFIXES,
} from './vocabulary.ts';

export { instant, nullableInstant as maybeInstant };

const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROL_CHARACTERS_EXCEPT_LINE_BREAKS = /[^\P{Cc}\n\r\t]/u;

function countCodePoints(text: string): number {
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
export function singleLineText(min: number, max: number, example: string) {
  return boundedText(max, `takes ${min} to ${max} characters`)
    .overwrite((text) => text.normalize('NFC').trim())
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .refine((text) => !CONTROL_CHARACTERS.test(text), 'must not contain control characters')
    .refine((text) => countCodePoints(text) >= min && countCodePoints(text) <= max, `takes ${min} to ${max} characters`)
    .meta({ minLength: min, maxLength: max, examples: [example] });
}

/** NFC, not trimmed, `min` to `max` code points; control characters are refused. */
function untrimmedText(min: number, max: number, example: string) {
  return boundedText(max, `takes ${min} to ${max} characters`)
    .overwrite((text) => text.normalize('NFC'))
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
    .refine((text) => !CONTROL_CHARACTERS.test(text), 'must not contain control characters')
    .refine((text) => countCodePoints(text) >= min && countCodePoints(text) <= max, `takes ${min} to ${max} characters`)
    .meta({ minLength: min, maxLength: max, examples: [example] });
}

function uniqueNames<const T extends readonly [string, ...string[]]>(words: T, itemName: string) {
  return z
    .array(z.enum(words, { error: `must be one of: ${words.join(', ')}` }))
    .min(1, `needs at least one ${itemName}`)
    .max(words.length, `names each ${itemName} once`)
    .refine((list) => new Set(list).size === list.length, `names each ${itemName} once`)
    .meta({ uniqueItems: true });
}

/** That it lies in the future is checked where the clock is. */
const expiry = instantInput.nullable().meta({ examples: ['2027-02-24T09:00:00.000Z'] });

export const name = singleLineText(LIMITS.name.min, LIMITS.name.max, 'CI/CD Pipeline');
export const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'takes 1 to 63 of a-z, 0-9 and -, not at either end')
  .meta({ examples: ['acme'] });
export const description = boundedText(LIMITS.description.max, `takes up to ${LIMITS.description.max} characters`)
  .overwrite((text) => text.normalize('NFC').trim())
  .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')
  .refine((text) => !CONTROL_CHARACTERS_EXCEPT_LINE_BREAKS.test(text), 'must not contain control characters')
  .refine((text) => countCodePoints(text) <= LIMITS.description.max, `takes up to ${LIMITS.description.max} characters`)
  .nullable()
  .meta({ maxLength: LIMITS.description.max, examples: ['Deploys the shop from the release pipeline'] });
const describeRights = (rights: readonly (Scope | Permission)[]): string =>
  rights.map((right) => `\`${right}\`: ${describeRight(right)}`).join('\n\n');
export const scopes = uniqueNames(SCOPES, 'scope').describe(describeRights(SCOPES));
export const permissions = uniqueNames(PERMISSIONS, 'permission').describe(describeRights(PERMISSIONS));
export const passphrase = untrimmedText(LIMITS.passphrase.min, LIMITS.passphrase.max, 'correct horse battery staple');
const password = untrimmedText(LIMITS.password.min, LIMITS.password.max, 'a long and private sentence');
/** A password as tried: bounded, but not judged, so that an old rule never locks anybody out. */
const submittedPassword = z
  .string()
  .min(1)
  .max(LIMITS.password.max * 8);
const personName = singleLineText(LIMITS.personName.min, LIMITS.personName.max, 'Ada Lovelace');
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
const submittedCode = z.string().min(1).max(255);

const personRef = z.object({ id, name: z.string(), email: z.string() });

// Answers

const credentialFields = {
  id,
  name: z.string(),
  active: z.boolean(),
  hint: z.string(),
  expiresAt: nullableInstant,
  createdAt: instant,
  createdBy: personRef.nullable(),
  lastUsedAt: nullableInstant,
  useCount: z.int().min(0),
};

export const AccessToken = z
  .object({
    ...credentialFields,
    kind: z.literal('access_token'),
    scopes: z.array(z.enum(SCOPES)),
    hasPassphrase: z.boolean(),
    status: z.enum(ACCESS_TOKEN_STATUSES),
  })
  .meta({ id: 'AccessToken', title: 'An access token, never its secret' });
export type AccessToken = z.infer<typeof AccessToken>;

export const ApiKey = z
  .object({
    ...credentialFields,
    kind: z.literal('api_key'),
    description: z.string().nullable(),
    permissions: z.array(z.enum(PERMISSIONS)),
    guard: z.boolean().describe(GUARD_DESCRIPTION),
    status: z.enum(API_KEY_STATUSES),
    updatedAt: instant,
  })
  .meta({ id: 'ApiKey', title: 'An API key, never its secret' });
export type ApiKey = z.infer<typeof ApiKey>;

const secretField = (kind: CredentialKind) =>
  z
    .string()
    .describe('The plain secret. No other answer ever carries it.')
    .meta({ examples: [`${SECRET_PREFIXES[kind]}… (shown once)`] });
export const CreatedAccessToken = AccessToken.extend({ secret: secretField('access_token') }).meta({
  id: 'CreatedAccessToken',
});
export type CreatedAccessToken = z.infer<typeof CreatedAccessToken>;
export const CreatedApiKey = ApiKey.extend({ secret: secretField('api_key') }).meta({ id: 'CreatedApiKey' });
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

export const PasswordResetLink = z
  .object({ url: z.string().describe('To hand over to the person; works once'), expiresAt: instant })
  .meta({ id: 'ResetLink' });
export type PasswordResetLink = z.infer<typeof PasswordResetLink>;

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
    role: z.enum(ASSIGNABLE_ROLES),
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

const auditParty = z.object({
  kind: z.enum(AUDIT_PARTY_KINDS),
  id: z.string().nullable(),
  name: z.string().nullable(),
});
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
    expiresAt: nullableInstant,
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
export const TwoFactorSetup = z
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
    lastUsedAt: nullableInstant,
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
    guard: z.boolean().optional().describe(GUARD_DESCRIPTION),
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
    guard: z.boolean().optional().describe(GUARD_DESCRIPTION),
  })
  .meta({ id: 'UpdateApiKey' });
export type UpdateApiKey = z.infer<typeof UpdateApiKey>;

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

export const SignIn = z
  .strictObject({
    email: z.string().max(LIMITS.email.max),
    password: submittedPassword,
    code: submittedCode.optional(),
  })
  .meta({ id: 'SignIn' });
export type SignIn = z.infer<typeof SignIn>;

export const UpdateMe = z.strictObject({ name: personName.optional() }).meta({ id: 'UpdateMe' });
export const ChangePassword = z
  .strictObject({ currentPassword: submittedPassword, newPassword: password })
  .meta({ id: 'ChangePassword' });
export const RequestPasswordReset = z.strictObject({ email }).meta({ id: 'RequestPasswordReset' });
export const ResetPassword = z.strictObject({ password }).meta({ id: 'ResetPassword' });
export const UpdateAccount = z
  .strictObject({ disabled: z.boolean().optional(), operator: z.boolean().optional() })
  .meta({ id: 'UpdateAccount' });
export const ConfirmTwoFactor = z.strictObject({ code: submittedCode }).meta({ id: 'ConfirmTwoFactor' });

const passkeyName = singleLineText(LIMITS.personName.min, LIMITS.personName.max, 'Laptop of Ada');
const base64urlText = (max: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'takes base64url')
    .max(max, `takes up to ${max} characters`);
/** What a browser says beside the answer itself; it may grow, so that what is not known here is dropped, not refused. */
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
/** Fresh proof before something sensitive: as strong as a sign-in. */
export const Reauthenticate = z
  .strictObject({
    password: submittedPassword.optional(),
    code: submittedCode.optional(),
    passkey: PasskeyAssertion.optional(),
  })
  .refine(
    ({ password, code, passkey }) =>
      passkey === undefined ? password !== undefined : password === undefined && code === undefined,
    { path: ['password'], error: 'send the password, with the current code if a second factor is set; or a passkey' },
  )
  .meta({ id: 'ProveItIsMe' });
export type Reauthenticate = z.infer<typeof Reauthenticate>;
export const PasskeySignIn = z.strictObject({ response: PasskeyAssertion }).meta({ id: 'PasskeySignIn' });

export const CreateWorkspace = z.strictObject({ name, slug: slug.optional() }).meta({ id: 'CreateWorkspace' });
export const UpdateWorkspace = z
  .strictObject({ name: name.optional(), slug: slug.optional() })
  .meta({ id: 'UpdateWorkspace' });
export const TransferOwnership = z.strictObject({ memberId: id }).meta({ id: 'HandOver' });
export const UpdateMember = z
  .strictObject({ role: z.enum(ASSIGNABLE_ROLES, { error: `must be one of: ${ASSIGNABLE_ROLES.join(', ')}` }) })
  .meta({ id: 'UpdateMember' });
export const CreateInvitation = z
  .strictObject({ email, role: z.enum(ASSIGNABLE_ROLES, { error: `must be one of: ${ASSIGNABLE_ROLES.join(', ')}` }) })
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
export const DeviceDecision = z.strictObject({ userCode: z.string().min(1).max(32) }).meta({ id: 'DeviceAnswer' });

/** What can't be a secret is answered like one that is unknown, however long it is. */
const submittedSecret = z.string().max(LIMITS.bodyBytes);
export const IntrospectRequest = z
  .object({
    token: submittedSecret,
    passphrase: submittedSecret.optional(),
    token_type_hint: z.string().max(255).optional(),
  })
  .meta({ id: 'IntrospectRequest' });
export const RevokeRequest = z
  .object({ token: submittedSecret.optional(), token_type_hint: z.string().max(255).optional() })
  .meta({ id: 'RevokeRequest' });

// Queries

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `takes a whole number from ${min} to ${max}`)
    .refine((text) => Number(text) >= min && Number(text) <= max, `takes a whole number from ${min} to ${max}`)
    .meta({ examples: [String(max)] });

export const pagingFields = {
  limit: wholeNumber(1, LIMITS.page.max).optional(),
  cursor: z.string().min(1).max(LIMITS.cursor.max).optional(),
};
export const PageQuery = z.strictObject(pagingFields);

const sorts = CREDENTIAL_SORTS.flatMap((sort) => [sort, `-${sort}`] as const);
/** Text to look for; PostgreSQL has no NUL, so nothing there could match one. */
const searchText = (max: number) =>
  z
    .string()
    .refine((text) => countCodePoints(text) <= max, `takes up to ${max} characters`)
    .refine((text) => !text.includes('\0'), 'must not contain control characters')
    .meta({ maxLength: max });

const credentialQuery = {
  ...pagingFields,
  q: searchText(LIMITS.query.max).optional().describe('Part of the name, whatever its case'),
  createdBy: searchText(64).optional().describe('Id of the person who created it'),
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

export const instantFilter = instantInput.optional();
export const AccountQuery = z.strictObject({
  ...pagingFields,
  q: searchText(LIMITS.query.max).optional().describe('Part of the name or email address, whatever its case'),
});

export const AuditQuery = z.strictObject({
  ...pagingFields,
  action: z.enum(AUDIT_ACTIONS, { error: `must be one of: ${AUDIT_ACTIONS.join(', ')}` }).optional(),
  actor: searchText(64).optional().describe('Id of the person or credential that did it'),
  target: searchText(64).optional().describe('Id of what it was done to'),
  credential: searchText(64).optional().describe('Id of a credential, as actor or target'),
  from: instantFilter.describe('From this instant on'),
  to: instantFilter.describe('Before this instant'),
});
export type AuditQuery = z.infer<typeof AuditQuery>;
