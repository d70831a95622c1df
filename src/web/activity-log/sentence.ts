import type { AuditEvent } from '../../contract/audit-events.ts';
import type { AuditAction } from '../../contract/event-names.ts';
import { capitalize } from '../components/format.ts';
import {
  DENIAL_REASONS,
  defaultSentence,
  describeChangedFields,
  describeDeletion,
  describeOutcome,
  detailFields,
  kindLabel,
  namedCredential,
  partyName,
  type Sentence,
  type SentenceContext,
  type SentencePart,
  summarizeNames,
  toNames,
  valuePart,
  withDefiniteArticle,
} from './sentence-parts.ts';

const environmentChanged: Sentence = ({ event, actor, target }) => {
  const names = [...toNames(event.detail['set']), ...toNames(event.detail['removed'])];
  return [actor, ' changed ', valuePart(summarizeNames(names)), ' in the environment of ', target];
};
const environmentRestored: Sentence = ({ event, actor, target }) => [
  actor,
  ' restored the environment of ',
  target,
  ' to version ',
  valuePart(event.detail['restoredFrom'] ?? 'unknown'),
];
const environmentRevealed: Sentence = ({ event, actor, target }) => [
  actor,
  ' revealed ',
  valuePart(summarizeNames(toNames(event.detail['names']))),
  ' in the environment of ',
  target,
];

const SENTENCES: Readonly<Record<AuditAction, Sentence>> = {
  'access_token.created': defaultSentence,
  'access_token.deleted': describeDeletion('access_token'),
  'api_key.created': defaultSentence,
  'api_key.deleted': describeDeletion('api_key'),
  'api_key.updated': ({ event, actor, target, after }) => {
    const onlyActive = Object.keys(after).join() === 'active';
    if (onlyActive)
      return [actor, after['active'] === true ? ' enabled ' : ' disabled ', withDefiniteArticle('api_key'), target];
    if (Object.keys(after).join() === 'guard') {
      const allowed = after['guard'] === true;
      return [
        actor,
        allowed ? ' allowed ' : ' no longer allows ',
        withDefiniteArticle('api_key'),
        target,
        ' to run guards',
      ];
    }
    return [actor, ` changed ${describeChangedFields(event)} of `, withDefiniteArticle('api_key'), target];
  },
  'credential.denied': ({ event, credential }) => [
    `The ${kindLabel(event.credential?.kind ?? 'credential')} `,
    credential,
    ` was denied: ${DENIAL_REASONS[String(event.detail['reason'])] ?? String(event.detail['reason'] ?? 'unknown reason')}`,
  ],
  'credential.passphrase_failed': ({ event, credential }) => [
    `An incorrect passphrase was sent for ${withDefiniteArticle(event.credential?.kind ?? 'access_token')}`,
    credential,
  ],
  'credential.reviewed': ({ event, actor, target }) => [
    actor,
    ` reviewed and kept ${withDefiniteArticle(event.target?.kind ?? 'credential')}`,
    target,
    ...(typeof event.detail['note'] === 'string' ? [': ', valuePart(event.detail['note'])] : []),
  ],
  'person.signed_up': ({ event, actor, target }) =>
    event.actor.kind === 'system' ? [target, ' was set up as the first owner'] : [actor, ' signed up'],
  'person.updated': ({ actor, before, after }) =>
    'name' in after
      ? [actor, ' changed their name from ', valuePart(before['name']), ' to ', valuePart(after['name'])]
      : [actor, ' changed their account'],
  'person.password_changed': ({ actor }) => [actor, ' changed their password'],
  'person.two_factor_enabled': ({ actor }) => [actor, ' turned on two-factor authentication'],
  'person.two_factor_disabled': ({ actor }) => [actor, ' turned off two-factor authentication'],
  'person.recovery_codes_created': ({ actor }) => [actor, ' generated new recovery codes'],
  'person.denied': ({ event, actor }) => [
    actor,
    ' was denied access by their role: ',
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
  'passkey.deleted': defaultSentence,
  'session.created': ({ event, actor }) => {
    const { client, passkey, kind, singleSignOn, signInLink } = event.detail;
    if (kind === 'device') return [actor, ' signed in on a device', ...(client ? [' (', valuePart(client), ')'] : [])];
    if (singleSignOn) return [actor, ' signed in with ', valuePart(singleSignOn)];
    if (signInLink) return [actor, ' signed in with a link from an operator'];
    return passkey ? [actor, ' signed in with the passkey ', valuePart(passkey)] : [actor, ' signed in'];
  },
  'session.deleted': ({ event, actor }) => {
    if (event.detail['reason'] === 'provider') return ['A session ended because it ended at the identity provider'];
    return event.actor.kind === 'session' ? ['The holder of a session revoked it'] : [actor, ' ended a session'];
  },
  'person.sessions_ended': ({ event, actor, target }) =>
    event.actor.id === event.target?.id
      ? [actor, ' ended all their other sessions']
      : [actor, ' ended all sessions of ', target],
  'person.password_reset_requested': ({ target }) => ['A password reset link for ', target, ' was sent by email'],
  'person.password_reset_created': ({ actor, target }) => [actor, ' created a password reset link for ', target],
  'person.password_reset': ({ actor }) => [actor, ' reset their password'],
  'person.operator_changed': ({ actor, target, after }) => [
    actor,
    after['operator'] === true ? ' made ' : ' removed the operator role from ',
    target,
    after['operator'] === true ? ' an operator' : '',
  ],
  'person.disabled': ({ actor, target }) => [actor, ' disabled the account of ', target],
  'person.enabled': ({ actor, target }) => [actor, ' enabled the account of ', target],
  'person.deleted': ({ actor }) => [actor, ' deleted their account'],
  'person.identity_linked': ({ event, actor }) => [
    actor,
    ' linked an account for single sign-on: ',
    valuePart(event.detail['email'] ?? event.detail['issuer'] ?? 'unknown'),
  ],
  'person.identity_unlinked': ({ event, actor }) => [
    actor,
    ' unlinked an account for single sign-on: ',
    valuePart(event.detail['email'] ?? event.detail['issuer'] ?? 'unknown'),
  ],
  'session.failed': ({ event, actor }) => {
    if (String(event.detail['reason']).startsWith('single_sign_on_'))
      return ['A sign-in with single sign-on was refused'];
    if (event.actor.name === null) return ['Sign-in with an unknown email address failed'];
    if (event.detail['reason'] === 'password_incorrect') {
      return [actor, ' entered an incorrect password when re-authenticating'];
    }
    if (event.detail['reason'] === 'passkey_counter_went_back') {
      return ['A passkey of ', actor, ' was rejected: it may have been cloned'];
    }
    return ['Sign-in as ', actor, ' failed'];
  },
  'device.approved': ({ actor, target }) => [actor, ' approved sign-in for the device ', target],
  'device.denied': ({ actor, target }) => [actor, ' denied sign-in for the device ', target],
  'workspace.created': defaultSentence,
  'workspace.deleted': defaultSentence,
  'workspace.updated': ({ actor, before, after }) =>
    'name' in after
      ? [actor, ' renamed the workspace from ', valuePart(before['name']), ' to ', valuePart(after['name'])]
      : [actor, ' changed the slug of the workspace to ', valuePart(after['slug'])],
  'policy.updated': ({ actor }) => [actor, ' changed the policy of the workspace'],
  'workspace.owner_changed': ({ actor, target }) => [actor, ' transferred ownership to ', target],
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
  'project.created': defaultSentence,
  'project.updated': defaultSentence,
  'project.deleted': defaultSentence,
  'app.created': defaultSentence,
  'app.updated': defaultSentence,
  'app.deleted': defaultSentence,
  'app.push_secret_replaced': ({ actor, target }) => [actor, ' replaced the push secret of the app ', target],
  'app.deploy_key_replaced': ({ actor, target }) => [actor, ' created a deploy key for the app ', target],
  'app.deploy_key_deleted': ({ actor, target }) => [actor, ' deleted the deploy key of the app ', target],
  'app.commit_status_set': ({ actor, target }) => [actor, ' set up commit statuses for the app ', target],
  'app.commit_status_deleted': ({ actor, target }) => [actor, ' stopped commit statuses for the app ', target],
  'app.git_host_confirmed': ({ actor, target }) => [actor, ' confirmed the Git host of the app ', target],
  'server.created': defaultSentence,
  'server.updated': defaultSentence,
  'server.deleted': defaultSentence,
  'env.updated': environmentChanged,
  'env.restored': environmentRestored,
  'env.revealed': environmentRevealed,
  'project_env.updated': environmentChanged,
  'project_env.restored': environmentRestored,
  'project_env.revealed': environmentRevealed,
  'server.checked': ({ event, actor, target }) => [
    actor,
    ' checked the server ',
    target,
    event.detail['ok'] === true ? ': it is reachable' : ': it is not reachable',
  ],
  'server.host_key_replaced': ({ actor, target }) => [actor, ' accepted a new host key of the server ', target],
  'server.confirmed': ({ actor, target }) => [actor, ' confirmed the server ', target],
  'error_issue.resolved': ({ actor, target }) => [actor, ' resolved the issue ', target],
  'error_issue.reopened': ({ actor, target }) => [actor, ' reopened the issue ', target],
  'error_issue.muted': ({ actor, target }) => [actor, ' muted the issue ', target],
  'error_key.created': ({ actor, target }) => [actor, ' created ', withDefiniteArticle('error_key'), target],
  'error_key.deleted': ({ actor, target }) => [actor, ' deleted ', withDefiniteArticle('error_key'), target],
  'source_map.uploaded': ({ actor, target }) => [actor, ' uploaded the source map of ', target],
  'source_map.deleted': ({ actor, target }) => [actor, ' deleted the source map of ', target],
  'error_issue.deleted': ({ actor, target }) => [actor, ' deleted the issue ', target],
  'deployment.created': ({ event, actor, target }) => [
    actor,
    event.detail['kind'] === 'rollback' ? ' started a rollback of ' : ' started a deployment of ',
    target,
  ],
  'deployment.cancelled': ({ actor, target }) => [actor, ' cancelled a deployment of ', target],
  'deployment.approved': ({ actor, target }) => [actor, ' approved a deployment of ', target],
  'deployment.promoted': ({ actor, target }) => [actor, ' promoted the canary deployment of ', target],
  'deployment.aborted': ({ actor, target }) => [actor, ' aborted the canary deployment of ', target],
  'deployment.retried': ({ actor, target }) => [actor, ' retried a failed deployment of ', target],
  'deployment.completed': ({ target }) => ['A deployment of ', target, ' completed'],
  'deployment.failed': ({ target }) => ['A deployment of ', target, ' failed'],
  'system.secret_rotated': ({ actor }) => [actor, ' re-encrypted the stored values with a new secret'],
  'script.created': defaultSentence,
  'script.updated': defaultSentence,
  'script.deleted': defaultSentence,
  'run.created': ({ event, actor, target }) =>
    event.actor.kind === 'system' ? ['A scheduled run of ', target, ' started'] : [actor, ' ran ', target],
  'run.cancelled': ({ actor, target }) => [actor, ' cancelled a run of ', target],
  'run.finished': ({ event, target }) => ['A run of ', target, describeOutcome(event)],
  'backup.created': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['A scheduled backup of ', target, ' started']
      : [actor, ' started a backup of ', target],
  'backup.finished': ({ event, target }) => ['A backup of ', target, describeOutcome(event)],
  'backup.restore_started': ({ actor, target }) => [actor, ' started restoring a backup of ', target],
  'backup.restore_finished': ({ event, target }) => ['The restore of a backup of ', target, describeOutcome(event)],
  'backup.verification_started': ({ actor, target }) => [actor, ' started verifying a backup of ', target],
  'backup.verification_finished': ({ event, target }) => [
    'The verification of a backup of ',
    target,
    describeOutcome(event),
  ],
  'backup.key_replaced': ({ actor }) => [actor, ' replaced the key that encrypts new backups'],
  'backup.downloaded': ({ actor, target }) => [actor, ' downloaded a backup of ', target],
  'backup.deleted': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['An older backup of ', target, ' was deleted']
      : [actor, ' deleted a backup of ', target],
  'webhook.created': defaultSentence,
  'webhook.updated': defaultSentence,
  'webhook.deleted': defaultSentence,
  'webhook.secret_replaced': ({ actor, target }) => [actor, ' replaced the secret of the webhook ', target],
  'webhook.tested': ({ actor, target }) => [actor, ' tested the webhook ', target],
  'webhook.redelivered': ({ actor, target }) => [actor, ' sent a message again to the webhook ', target],
  'webhook.switched_off': ({ target }) => ['The webhook ', target, ' was switched off because it kept failing'],
  'notice.dismissed': ({ actor, target }) => [actor, ' dismissed the notice: ', target],
  'notice.snoozed': ({ actor, target }) => [actor, ' snoozed the notice: ', target],
  'notice.reopened': ({ actor, target }) => [actor, ' reopened the notice: ', target],
  'notifications.updated': ({ actor }) => [actor, ' changed their email notifications'],
  'credential.expiring': ({ event, credential }) => [...namedCredential(event, credential), ' expires soon'],
  'credential.expired': ({ event, credential }) => [...namedCredential(event, credential), ' has expired'],
  'credential.unused': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' has not been used for a long time',
  ],
  'credential.leaked': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' was reported as leaked',
    ...(typeof event.detail['url'] === 'string' ? [', found at ', valuePart(event.detail['url'])] : []),
  ],
  'credential.used_after_deletion': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' was presented after its deletion',
  ],
  'credential.violates_policy': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' violates the policy',
  ],
  'credential.orphaned': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' has lost its creator, who left the workspace',
  ],
  'run.failed': ({ target }) => ['A run of ', target, ' failed'],
  'backup.failed': ({ target }) => ['A backup of ', target, ' failed'],
  'error.new': ({ target }) => ['A new kind of error was reported: ', target],
  'error.reopened': ({ target }) => ['A resolved error was reported again: ', target],
  'workload_identity.created': defaultSentence,
  'workload_identity.updated': defaultSentence,
  'workload_identity.deleted': defaultSentence,
  'workload_identity.denied': ({ event, actor }) => [
    `A token was refused for ${withDefiniteArticle('workload_identity')}`,
    actor,
    ': ',
    valuePart(event.detail['reason'] ?? 'unknown reason'),
  ],
  'invitation.deleted': ({ actor, target }) => [actor, ' revoked the invitation for ', target],
};

/** Describes an event as the parts of a sentence. */
export function toSentence(event: AuditEvent): SentencePart[] {
  const context: SentenceContext = {
    event,
    actor: { text: partyName(event.actor), role: 'actor' },
    target: { text: event.target === null ? 'something' : partyName(event.target), role: 'target' },
    credential: { text: event.credential?.name ?? partyName(event.actor), role: 'credential' },
    before: detailFields(event.detail, 'before'),
    after: detailFields(event.detail, 'after'),
  };
  // A newer server may have recorded an action that this version of the page does not know.
  const sentences: Readonly<Record<string, Sentence | undefined>> = SENTENCES;
  const parts = (sentences[event.action] ?? defaultSentence)(context).map((part) =>
    typeof part === 'string' ? { text: part } : part,
  );
  const count = Number(event.detail['count'] ?? 1);
  return count > 1 ? [...parts, { text: ` (${count} times)` }] : [...parts];
}

/** Describes an event as text: “Ada Lovelace created the access token CI/CD Pipeline”. */
export function toPlainSentence(event: AuditEvent): string {
  const text = toSentence(event)
    .map((part) => part.text)
    .join('');
  return capitalize(text);
}

/** Returns the label of an action in a filter: “API key: passphrase failed”. */
export function actionLabel(action: AuditAction): string {
  const [noun = '', verb = ''] = action.split('.');
  const name = kindLabel(noun);
  return `${capitalize(name)} ${verb.replaceAll('_', ' ').replace('two factor', 'two-factor')}`;
}
