import { z } from 'zod';
import type { CredentialRecord } from '../authorization/record.ts';
import { effectiveRightNamesOf, rightNamesOf } from '../authorization/rights.ts';
import { secretKindOf } from '../authorization/secret.ts';
import { toIsoStringOrNull } from '../contract/instant.ts';
import { Introspection, IntrospectRequest, RevokeRequest } from '../contract/oauth.ts';
import { Problem } from '../contract/problem.ts';
import { Whoami } from '../contract/whoami.ts';
import { revokeBySecret } from '../credentials/deletion.ts';
import { takeUsesFromRow } from '../credentials/stored-record.ts';
import { endSessionBySecret } from '../people/sessions.ts';
import { findUseLimits } from '../store/credential-uses.ts';
import { findWorkspaceById } from '../store/workspaces.ts';
import { ANY_CREDENTIAL } from './access.ts';
import type { AppContext } from './app-context.ts';
import { credentialOf, type Principal } from './principal.ts';
import { baseUrlOf } from './public-origin.ts';
import { originOf } from './request-context.ts';
import { type Route, route } from './route.ts';

const tag = 'Introspection';

/** Updates the flag `spent` of a cached record, because uses on other nodes do not update the record cached here. */
async function refreshSpent(
  { store, clock }: AppContext,
  { id, workspace, restrictions }: CredentialRecord,
): Promise<void> {
  if (restrictions === null || restrictions.maxUses === null || restrictions.spent) return;
  const uses = await findUseLimits(store.read, workspace.id, id);
  if (uses !== undefined && takeUsesFromRow(uses, 0, clock()).spent) restrictions.spent = true;
}

async function introspect(
  context: AppContext,
  callerWorkspaceId: string,
  issuer: string,
  input: { token: string; passphrase?: string | undefined },
  origin: ReturnType<typeof originOf>,
): Promise<Introspection> {
  const authenticationRequest = {
    secret: input.token,
    passphrase: input.passphrase ?? null,
    ...origin,
    keepsLimitedUses: true,
  };
  // Look the record up before authenticating, so that another workspace's credential is neither counted as used nor
  // revealed.
  const known = await context.findBySecret(input.token, origin.address);
  if (known === null || known.workspace.id !== callerWorkspaceId) return { active: false };
  await refreshSpent(context, known);
  const { decision, record } = await context.authenticator.authenticate(authenticationRequest, ANY_CREDENTIAL);
  if (decision !== 'ok' || record === null) return { active: false };
  return {
    active: true,
    scope: effectiveRightNamesOf(record.kind, record.rights).join(' '),
    client_id: record.id,
    sub: record.workspace.id,
    token_type: 'Bearer',
    iss: issuer,
    iat: Math.floor(record.createdAt / 1000),
    ...(record.expiresAt !== null && { exp: Math.floor(record.expiresAt / 1000) }),
    kind: record.kind,
  };
}

async function whoami(context: AppContext, principal: Principal): Promise<Whoami> {
  if (principal.kind === 'person') {
    const { personId, name, email, membership } = principal;
    return {
      principal: { kind: 'person', id: personId, name, email },
      workspace:
        membership === null
          ? null
          : { id: membership.workspaceId, name: membership.workspaceName, slug: membership.slug },
      rights: { role: membership?.role ?? null, scopes: [], permissions: [] },
      expiresAt: null,
    };
  }
  const { record } = principal;
  const workspace = await findWorkspaceById(context.store.read, record.workspace.id);
  if (workspace === undefined) throw new Problem('invalid_token');
  const { kind, id, name, rights, expiresAt } = record;
  return {
    principal: { kind, id, name },
    workspace: { id: workspace.id, name: workspace.name, slug: workspace.slug },
    rights: {
      role: null,
      scopes: kind === 'access_token' ? rightNamesOf(kind, rights) : [],
      permissions: kind === 'api_key' ? rightNamesOf(kind, rights) : [],
    },
    expiresAt: toIsoStringOrNull(expiresAt),
  };
}

/** Revokes the credential or ends the session with this secret. Does nothing for an unknown secret. */
async function revoke(context: AppContext, secret: string, origin: ReturnType<typeof originOf>): Promise<void> {
  const { credentials } = context;
  const kind = secretKindOf(secret);
  if (kind === null && !credentials.isForeignSecret(secret)) return;
  if (kind === 'session') await endSessionBySecret(context.people, secret, origin, 'revoked by its holder');
  else await revokeBySecret(credentials, await context.findReportedCredential(secret, origin.address), origin);
}

export function introspectionRoutes(context: AppContext): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/introspect',
      access: { key: ['read'] },
      resourceAccess: 'none',
      summary: 'Introspect a credential',
      description: 'OAuth token introspection (RFC 7662). Credentials of other workspaces are reported as inactive.',
      tag,
      body: IntrospectRequest,
      bodyFormat: 'form',
      ignoresQuery: true,
      oauth: true,
      responses: { 200: Introspection },
      handler: ({ body, request }) => {
        const issuer = baseUrlOf(context, request);
        const { workspace } = credentialOf(request).record;
        return introspect(context, workspace.id, issuer, body, originOf(request));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/revoke',
      essential: true,
      access: { public: true },
      summary: 'Revoke a credential by its secret',
      description: 'OAuth token revocation (RFC 7009). Also ends a session. Succeeds even if the secret is unknown.',
      tag,
      body: RevokeRequest,
      bodyFormat: 'form',
      ignoresQuery: true,
      oauth: true,
      responses: { 200: z.null().describe('No session or credential has this secret') },
      handler: async ({ body, request }) => {
        // Always 200, even for an invalid secret (RFC 7009, section 2.2).
        await revoke(context, body.token, originOf(request));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/whoami',
      access: { any: true },
      summary: 'Get the current person or credential',
      description: 'Also returns the workspace, and the role, scopes or permissions.',
      tag,
      responses: { 200: Whoami },
      handler: ({ request }) => {
        if (request.principal === null) throw new Problem('internal');
        return whoami(context, request.principal);
      },
    }),
  ];
}
