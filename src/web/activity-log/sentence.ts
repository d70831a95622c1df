import type { AuditEvent } from '../../contract/audit-events.ts';
import type { AuditAction } from '../../contract/vocabulary.ts';

/** A part of a sentence; a name stands out, and may lead to what it names. */
export interface SentencePart {
  readonly text: string;
  readonly role?: 'actor' | 'target' | 'credential' | 'value';
}

type SentenceParts = readonly (SentencePart | string)[];

const KIND_LABELS: Readonly<Record<string, string>> = {
  access_token: 'access token',
  api_key: 'API key',
  two_factor: 'second factor',
};
const kindLabel = (kind: string): string => KIND_LABELS[kind] ?? kind.replaceAll('_', ' ');

/** How fields of an edit are called. */
const FIELD_LABELS: Readonly<Record<string, string>> = {
  expiresAt: 'expiry',
  slug: 'address',
  repositoryUser: 'repository user',
  repositoryPassword: 'repository password',
  hasRepositoryPassword: 'repository password',
};

const DENIAL_REASONS: Readonly<Record<string, string>> = {
  passphrase_required: 'it came without its passphrase',
  passphrase_incorrect: 'its passphrase was wrong',
  token_inactive: 'it is inactive',
  token_expired: 'it has expired',
  insufficient_scope: 'it may not do that',
  wrong_credential_kind: 'another kind of credential is needed there',
  rate_limited: 'it had failed too often',
};

function partyName(party: { readonly kind: string; readonly id: string | null; readonly name: string | null }): string {
  if (party.kind === 'system') return 'The system';
  return party.name ?? (party.kind === 'person' ? 'Somebody' : `a ${kindLabel(party.kind)}`);
}

const valuePart = (text: unknown): SentencePart => ({ text: String(text), role: 'value' });

function detailFields(detail: AuditEvent['detail'], side: 'before' | 'after'): Readonly<Record<string, unknown>> {
  const fields = detail[side];
  return typeof fields === 'object' && fields !== null ? { ...fields } : {};
}

/** The fields that an edit changed, in words: “name, permissions and expiry”. */
function describeChangedFields(event: AuditEvent): string {
  const names = Object.keys(detailFields(event.detail, 'after')).map((field) => FIELD_LABELS[field] ?? field);
  const last = names.pop();
  if (last === undefined) return 'nothing';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}

/** What a target or actor is called before its name: “the access token ”. */
const withArticle = (kind: string): string => `the ${kindLabel(kind)} `;

const toNames = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : []);

/** Some names in words: “A, B and 3 more”. */
function summarizeNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** How work ended: “ completed”. */
function describeOutcome({ detail }: AuditEvent): string {
  const status = typeof detail['status'] === 'string' ? detail['status'] : 'ended';
  return status === 'cancelled' ? ' was cancelled' : ` ${status}`;
}

interface SentenceContext {
  readonly event: AuditEvent;
  readonly actor: SentencePart;
  readonly target: SentencePart;
  readonly credential: SentencePart;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

function describeDeletion(kind: 'access_token' | 'api_key') {
  return ({ event, actor, target }: SentenceContext): SentenceParts =>
    event.actor.kind === 'person' || event.actor.kind === 'system'
      ? [actor, ' deleted ', withArticle(kind), target]
      : ['Whoever held ', withArticle(kind), target, ' revoked it'];
}

const SENTENCES: Partial<Record<AuditAction, (context: SentenceContext) => SentenceParts>> = {
  'access_token.deleted': describeDeletion('access_token'),
  'api_key.deleted': describeDeletion('api_key'),
  'api_key.updated': ({ event, actor, target, after }) => {
    const onlyActive = Object.keys(after).join() === 'active';
    if (onlyActive)
      return [actor, after['active'] === true ? ' switched on ' : ' switched off ', withArticle('api_key'), target];
    if (Object.keys(after).join() === 'guard') {
      const allowed = after['guard'] === true;
      return [actor, allowed ? ' let ' : ' no longer lets ', withArticle('api_key'), target, ' run guards'];
    }
    return [actor, ` changed ${describeChangedFields(event)} of `, withArticle('api_key'), target];
  },
  'credential.denied': ({ event, credential }) => [
    `The ${kindLabel(event.credential?.kind ?? 'credential')} `,
    credential,
    ` was refused: ${DENIAL_REASONS[String(event.detail['reason'])] ?? String(event.detail['reason'] ?? 'no reason known')}`,
  ],
  'credential.passphrase_failed': ({ event, credential }) => [
    `A wrong passphrase was given for ${withArticle(event.credential?.kind ?? 'access_token')}`,
    credential,
  ],
  'person.signed_up': ({ event, actor, target }) =>
    event.actor.kind === 'system' ? [target, ' was set up as the first owner'] : [actor, ' signed up'],
  'person.updated': ({ actor, before, after }) =>
    'name' in after
      ? [actor, ' changed their name from ', valuePart(before['name']), ' to ', valuePart(after['name'])]
      : [actor, ' changed their account'],
  'person.password_changed': ({ actor }) => [actor, ' changed their password'],
  'person.two_factor_enabled': ({ actor }) => [actor, ' turned two-factor sign-in on'],
  'person.two_factor_disabled': ({ actor }) => [actor, ' turned two-factor sign-in off'],
  'person.recovery_codes_created': ({ actor }) => [actor, ' made new recovery codes'],
  'person.denied': ({ event, actor }) => [
    actor,
    ' was refused what their role may not do: ',
    valuePart(event.detail['reason']),
  ],
  'passkey.created': ({ actor, target }) => [actor, ' added the passkey ', target],
  'passkey.updated': ({ actor, target, before }) => [
    actor,
    ' renamed the passkey ',
    valuePart(before['name']),
    ' to ',
    target,
  ],
  'session.created': ({ event, actor }) => {
    const { client, passkey, kind } = event.detail;
    if (kind === 'device') return [actor, ' signed in on a device', ...(client ? [' (', valuePart(client), ')'] : [])];
    return passkey ? [actor, ' signed in with the passkey ', valuePart(passkey)] : [actor, ' signed in'];
  },
  'session.deleted': ({ event, actor }) =>
    event.actor.kind === 'session' ? ['Whoever held a session revoked it'] : [actor, ' ended a session'],
  'person.sessions_ended': ({ event, actor, target }) =>
    event.actor.id === event.target?.id
      ? [actor, ' ended all their other sessions']
      : [actor, ' ended all sessions of ', target],
  'person.password_reset_requested': ({ target }) => ['A link to reset the password of ', target, ' was sent by mail'],
  'person.password_reset_created': ({ actor, target }) => [actor, ' made a link to reset the password of ', target],
  'person.password_reset': ({ actor }) => [actor, ' reset their password'],
  'person.operator_changed': ({ actor, target, after }) => [
    actor,
    after['operator'] === true ? ' made ' : ' took the operator role from ',
    target,
    after['operator'] === true ? ' an operator' : '',
  ],
  'person.disabled': ({ actor, target }) => [actor, ' disabled the account of ', target],
  'person.enabled': ({ actor, target }) => [actor, ' enabled the account of ', target],
  'person.deleted': ({ actor }) => [actor, ' deleted their account'],
  'session.failed': ({ event, actor }) => {
    if (event.actor.name === null) return ['Signing in with an unknown email address failed'];
    if (event.detail['reason'] === 'password_incorrect') {
      return [actor, ' gave a wrong password when asked for it again'];
    }
    if (event.detail['reason'] === 'passkey_counter_went_back') {
      return ['A passkey of ', actor, ' was refused: it may have been copied'];
    }
    return ['Signing in as ', actor, ' failed'];
  },
  'device.approved': ({ actor, target }) => [actor, ' let the device ', target, ' sign in'],
  'device.denied': ({ actor, target }) => [actor, ' turned the device ', target, ' away'],
  'workspace.updated': ({ actor, before, after }) =>
    'name' in after
      ? [actor, ' renamed the workspace from ', valuePart(before['name']), ' to ', valuePart(after['name'])]
      : [actor, ' changed the address of the workspace to ', valuePart(after['slug'])],
  'workspace.owner_changed': ({ actor, target }) => [actor, ' handed ownership over to ', target],
  'member.created': ({ actor, after }) => [actor, ' joined as ', valuePart(after['role'])],
  'member.updated': ({ actor, target, before, after }) => [
    actor,
    ' changed the role of ',
    target,
    ' from ',
    valuePart(before['role']),
    ' to ',
    valuePart(after['role']),
  ],
  'member.left': ({ actor }) => [actor, ' left the workspace'],
  'member.sessions_ended': ({ actor, target }) => [actor, ' ended all sessions of ', target],
  'member.deleted': ({ actor, target }) => [actor, ' removed ', target],
  'invitation.created': ({ actor, target, after }) => [actor, ' invited ', target, ' as ', valuePart(after['role'])],
  'env.updated': ({ event, actor, target }) => {
    const names = [...toNames(event.detail['set']), ...toNames(event.detail['removed'])];
    return [actor, ' changed ', valuePart(summarizeNames(names)), ' in the environment of ', target];
  },
  'env.restored': ({ event, actor, target }) => [
    actor,
    ' set the environment of ',
    target,
    ' back to version ',
    valuePart(event.detail['restoredFrom'] ?? 'before'),
  ],
  'env.revealed': ({ event, actor, target }) => [
    actor,
    ' looked at ',
    valuePart(summarizeNames(toNames(event.detail['names']))),
    ' in the environment of ',
    target,
  ],
  'server.checked': ({ event, actor, target }) => [
    actor,
    ' checked the server ',
    target,
    event.detail['ok'] === true ? ': it was reached' : ': it was not reached',
  ],
  'server.confirmed': ({ actor, target }) => [actor, ' confirmed the server ', target],
  'error_issue.resolved': ({ actor, target }) => [actor, ' resolved ', target],
  'error_issue.reopened': ({ actor, target }) => [actor, ' opened ', target, ' again'],
  'error_issue.muted': ({ actor, target }) => [actor, ' muted the issue ', target],
  'error_key.created': ({ actor, target }) => [actor, ' created ', withArticle('error_key'), target],
  'error_key.deleted': ({ actor, target }) => [actor, ' deleted ', withArticle('error_key'), target],
  'error_issue.deleted': ({ actor, target }) => [actor, ' deleted the issue ', target],
  'deployment.created': ({ event, actor, target }) => [
    actor,
    event.detail['kind'] === 'rollback' ? ' began a rollback of ' : ' began a deployment of ',
    target,
  ],
  'deployment.cancelled': ({ actor, target }) => [actor, ' cancelled a deployment of ', target],
  'deployment.approved': ({ actor, target }) => [actor, ' approved a deployment of ', target],
  'deployment.promoted': ({ actor, target }) => [actor, ' let a canary of ', target, ' go on'],
  'deployment.aborted': ({ actor, target }) => [actor, ' gave a canary of ', target, ' up'],
  'deployment.completed': ({ target }) => ['A deployment of ', target, ' completed'],
  'deployment.failed': ({ target }) => ['A deployment of ', target, ' failed'],
  'run.created': ({ event, actor, target }) =>
    event.actor.kind === 'system' ? ['The schedule ran ', target] : [actor, ' ran ', target],
  'run.cancelled': ({ actor, target }) => [actor, ' cancelled a run of ', target],
  'run.finished': ({ event, target }) => ['A run of ', target, describeOutcome(event)],
  'backup.created': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['The schedule began a backup of ', target]
      : [actor, ' began a backup of ', target],
  'backup.finished': ({ event, target }) => ['A backup of ', target, describeOutcome(event)],
  'backup.restore_started': ({ actor, target }) => [actor, ' began to restore a backup of ', target],
  'backup.restore_finished': ({ event, target }) => ['Restoring a backup of ', target, describeOutcome(event)],
  'backup.deleted': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['An older backup of ', target, ' was deleted']
      : [actor, ' deleted a backup of ', target],
  'invitation.deleted': ({ actor, target }) => [actor, ' withdrew the invitation of ', target],
};

/** Ada *created* the *project* Shop: what can be said of any `noun.verb`. */
function defaultSentence({ event, actor, target }: SentenceContext): SentenceParts {
  const [noun = '', verb = ''] = event.action.split('.');
  const named = event.target !== null && event.target.name !== null;
  return [
    actor,
    ` ${verb.replaceAll('_', ' ')} ${named ? withArticle(noun) : `a ${kindLabel(noun)}`}`,
    ...(named ? [target] : []),
  ];
}

/** What happened, as a sentence in pieces. Pure. */
export function toSentence(event: AuditEvent): SentencePart[] {
  const context: SentenceContext = {
    event,
    actor: { text: partyName(event.actor), role: 'actor' },
    target: { text: event.target === null ? 'something' : partyName(event.target), role: 'target' },
    credential: { text: event.credential?.name ?? partyName(event.actor), role: 'credential' },
    before: detailFields(event.detail, 'before'),
    after: detailFields(event.detail, 'after'),
  };
  const parts = (SENTENCES[event.action] ?? defaultSentence)(context).map((part) =>
    typeof part === 'string' ? { text: part } : part,
  );
  const count = Number(event.detail['count'] ?? 1);
  return count > 1 ? [...parts, { text: `, ${count} times` }] : [...parts];
}

/** The same as one text: “Ada Lovelace created the access token CI/CD Pipeline”. */
export function toPlainSentence(event: AuditEvent): string {
  const text = toSentence(event)
    .map((part) => part.text)
    .join('');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a filter calls an action: “API key: passphrase failed”. */
export function actionLabel(action: AuditAction): string {
  const [noun = '', verb = ''] = action.split('.');
  const name = kindLabel(noun);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)} ${verb.replaceAll('_', ' ').replace('two factor', 'two-factor')}`;
}
