import type { Route } from './route.ts';

/** Operation IDs that cannot be derived, by method and path. */
export const OPERATION_IDS: Readonly<Record<string, string>> = {
  'DELETE /v1/sessions': 'sessions.deleteAll',
  'DELETE /v1/sessions/current': 'sessions.deleteCurrent',
  'DELETE /v1/people/:id/sessions': 'people.sessions.deleteAll',
  'DELETE /v1/members/:id/sessions': 'members.sessions.deleteAll',
  'DELETE /v1/members/me': 'members.leave',
  'POST /v1/me/password': 'me.changePassword',
  'POST /v1/me/two-factor': 'me.twoFactor.create',
  'POST /v1/me/passkeys/proof': 'me.passkeys.createProof',
  'POST /v1/sessions/passkey': 'sessions.createWithPasskey',
  'POST /v1/password-resets/:code': 'passwordResets.complete',
  'POST /v1/people/:id/password-reset': 'people.createPasswordReset',
  'POST /v1/workspaces/:workspace/owner': 'workspaces.transferOwnership',
  'POST /v1/device/code': 'device.createCode',
  'POST /v1/device/token': 'device.createToken',
  'POST /v1/oauth/token': 'oauth.createToken',
  'POST /v1/introspect': 'oauth.introspect',
  'POST /v1/revoke': 'oauth.revoke',
  'GET /.well-known/oauth-authorization-server': 'oauth.getMetadata',
  'PUT /v1/apps/:app/env/:name': 'apps.env.set',
  'GET /v1/review': 'review.list',
  'POST /v1/review/:credential': 'review.decide',
  'GET /v1/backups/:id/download': 'backups.download',
  'POST /v1/backup-keys': 'backups.replaceKey',
  'POST /v1/servers/:server/host-key': 'servers.acceptHostKey',
  'POST /v1/webhooks/:id/secret': 'webhooks.replaceSecret',
  'POST /v1/apps/:app/push': 'apps.receivePush',
  'POST /v1/apps/:app/push-secret': 'apps.replacePushSecret',
  'GET /v1/apps/:app/commit-status': 'apps.commitStatus.get',
  'PUT /v1/apps/:app/commit-status': 'apps.commitStatus.set',
  'DELETE /v1/apps/:app/commit-status': 'apps.commitStatus.delete',
  'GET /v1/apps/:app/deploy-key': 'apps.deployKey.get',
  'POST /v1/apps/:app/deploy-key': 'apps.deployKey.replace',
  'DELETE /v1/apps/:app/deploy-key': 'apps.deployKey.delete',
  'OPTIONS /v1/activity/events': 'activity.events.handshake',
  'GET /v1/oidc/start': 'oidc.redirect',
  'GET /v1/oidc/callback': 'oidc.callback',
  'POST /v1/me/single-sign-on': 'me.singleSignOn.start',
  'POST /v1/notices/:id/dismiss': 'notices.dismiss',
  'POST /mcp': 'mcp.send',
  'POST /api/:any/envelope/': 'errors.envelopes.create',
  'OPTIONS /api/:any/envelope/': 'errors.envelopes.preflight',
  'POST /api/:any/store/': 'errors.store.create',
  'OPTIONS /api/:any/store/': 'errors.store.preflight',
};

/** Last parts of paths that end with `s`, but whose GET returns no list. */
const NO_LISTS_FOR_GET: ReadonlySet<string> = new Set(['analytics', 'logs', 'uses']);
/** Last parts of paths that are lists, but do not end with `s`. */
const LISTS: ReadonlySet<string> = new Set(['people']);

const toCamelCase = (text: string) => text.replace(/[-.]+(\w)/g, (_, letter: string) => letter.toUpperCase());

/**
 * Returns the ID of an operation: the constant parts of its path, then a verb for the method, such as
 * `accessTokens.create`. A POST to any path except a list is an action and has no verb: its ID ends with the last
 * constant part of its path, such as `deployments.cancel`.
 */
export function operationIdOf({ method, url }: Pick<Route, 'method' | 'url'>): string {
  const declared = OPERATION_IDS[`${String(method)} ${url}`];
  if (declared !== undefined) return declared;
  const parts = url.split('/').filter((part) => part !== '' && part !== 'v1');
  const names = parts.filter((part) => !part.startsWith(':')).map(toCamelCase);
  const last = names.at(-1) ?? '';
  const endsInItem = parts.at(-1)?.startsWith(':') === true;
  const isList = !endsInItem && (LISTS.has(last) || last.endsWith('s'));
  const verbs: Readonly<Record<string, string | null>> = {
    GET: isList && !NO_LISTS_FOR_GET.has(last) ? 'list' : 'get',
    POST: isList ? 'create' : null,
    PUT: 'replace',
    PATCH: 'update',
    DELETE: 'delete',
  };
  const verb = verbs[String(method)] ?? null;
  return (verb === null ? names : [...names, verb]).join('.');
}
