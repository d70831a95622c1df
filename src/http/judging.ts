import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { Introspection, IntrospectRequest, RevokeRequest, Whoami } from '../contract/schemas.ts';
import { type CredentialContext, revokeBySecret } from '../credentials/credentials.ts';
import { grantedWordsOf, needAll, wordsOf } from '../credentials/rights.ts';
import { digestOf, secretKindOf } from '../credentials/secret.ts';
import { maybeInstant } from '../credentials/show.ts';
import { endSessionBySecret } from '../people/sessions.ts';
import { findWorkspaceById } from '../store/workspaces.ts';
import type { House } from './house.ts';
import { addressOf } from './own-address.ts';
import { originOf, type Principal } from './principal.ts';
import { credentialOf, type Route, route } from './route.ts';

const tag = 'Judging';
const ANY = { access_token: needAll('access_token', []), api_key: needAll('api_key', []) };

async function introspect(
  house: House,
  callersWorkspace: string,
  issuer: string,
  input: { token: string; passphrase?: string | undefined },
  origin: ReturnType<typeof originOf>,
): Promise<Introspection> {
  const presented = { secret: input.token, passphrase: input.passphrase ?? null, ...origin };
  // Found before it is judged, so that another workspace's credential is neither counted nor told of.
  if (secretKindOf(input.token) === null) return { active: false };
  const known = await house.findRecord(digestOf(input.token), origin.address);
  if (known === null || known.workspace.id !== callersWorkspace) return { active: false };
  const { verdict, record } = await house.judges.judgePresented(presented, ANY);
  if (verdict !== 'ok' || record === null) return { active: false };
  return {
    active: true,
    scope: grantedWordsOf(record.kind, record.rights).join(' '),
    client_id: record.id,
    sub: record.workspace.id,
    token_type: 'Bearer',
    iss: issuer,
    iat: Math.floor(record.createdAt / 1000),
    ...(record.expiresAt !== null && { exp: Math.floor(record.expiresAt / 1000) }),
    kind: record.kind,
  };
}

async function whoami(house: House, principal: Principal): Promise<Whoami> {
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
  const workspace = await findWorkspaceById(house.store.read, record.workspace.id);
  if (workspace === undefined) throw new Problem('invalid_token');
  const { kind, id, name, rights, expiresAt } = record;
  return {
    principal: { kind, id, name },
    workspace: { id: workspace.id, name: workspace.name, slug: workspace.slug },
    rights: {
      role: null,
      scopes: kind === 'access_token' ? wordsOf(kind, rights) : [],
      permissions: kind === 'api_key' ? wordsOf(kind, rights) : [],
    },
    expiresAt: maybeInstant(expiresAt),
  };
}

async function revoke(house: House, context: CredentialContext, secret: string, origin: ReturnType<typeof originOf>) {
  const kind = secretKindOf(secret);
  if (kind === null) return;
  if (kind === 'session') await endSessionBySecret(house.people, secret, origin);
  else
    await revokeBySecret(context, digestOf(secret), await house.findRecord(digestOf(secret), origin.address), origin);
}

export function judgingRoutes(house: House): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/introspect',
      access: { key: ['read'] },
      summary: 'Ask whether a credential of the same workspace is valid (RFC 7662)',
      tag,
      body: IntrospectRequest,
      takes: 'form',
      answers: { 200: Introspection },
      handler: ({ body, request }) => {
        const issuer = addressOf(house, request);
        const { workspace } = credentialOf(request).record;
        return introspect(house, workspace.id, issuer, body, originOf(request));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/revoke',
      essential: true,
      access: { public: true },
      summary: 'End a credential by its secret, whoever holds it (RFC 7009)',
      tag,
      body: RevokeRequest,
      takes: 'form',
      answers: { 200: z.null().describe('Nothing accepts it any more') },
      handler: async ({ body, request, reply }) => {
        // Always 200 (RFC 7009, section 2.2): what is not there to be ended is ended.
        if (body.token !== undefined) await revoke(house, house.credentials, body.token, originOf(request));
        return reply.code(200).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/whoami',
      access: { any: true },
      summary: 'Who is asking, in which workspace, with which rights',
      tag,
      answers: { 200: Whoami },
      handler: ({ request }) => {
        if (request.principal === null) throw new Problem('internal');
        return whoami(house, request.principal);
      },
    }),
  ];
}
