import type { AuditAction } from '../../contract/event-names.ts';
import { plural } from '../components/plural.ts';
import {
  defaultSentence,
  describeOutcome,
  type SentenceBuilder,
  summarizeNames,
  toNames,
  valuePart,
} from './sentence-parts.ts';

const environmentChanged: SentenceBuilder = ({ event, actor, target }) => {
  const names = [...toNames(event.detail['set']), ...toNames(event.detail['removed'])];
  return [actor, ' changed ', valuePart(summarizeNames(names)), ' in the environment of ', target];
};
const environmentRestored: SentenceBuilder = ({ event, actor, target }) => [
  actor,
  ' restored the environment of ',
  target,
  ' to version ',
  valuePart(event.detail['restoredFrom'] ?? 'unknown'),
];
const environmentRevealed: SentenceBuilder = ({ event, actor, target }) => {
  const names = toNames(event.detail['names']);
  return [
    actor,
    plural(names.length, { one: ' viewed the value of ', other: ' viewed the values of ' }),
    valuePart(summarizeNames(names)),
    ' in the environment of ',
    target,
  ];
};

/** The sentences for projects, apps, servers, deployments and the other resources of a workspace. */
export const RESOURCE_SENTENCES = {
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
  'app.commit_status_deleted': ({ actor, target }) => [
    actor,
    ' stopped reporting commit statuses for the app ',
    target,
  ],
  'app.git_host_confirmed': ({ actor, target }) => [
    actor,
    ' confirmed the host key of the Git host of the app ',
    target,
  ],
  'server.created': defaultSentence,
  'server.updated': defaultSentence,
  'server.deleted': defaultSentence,
  'server.checked': ({ event, actor, target }) => [
    actor,
    ' checked the server ',
    target,
    event.detail['ok'] === true ? ': it is reachable' : ': it is not reachable',
  ],
  'server.host_key_replaced': ({ actor, target }) => [actor, ' pinned a new host key of the server ', target],
  'server.confirmed': ({ actor, target }) => [actor, ' confirmed the server ', target],
  'env.updated': environmentChanged,
  'env.restored': environmentRestored,
  'env.revealed': environmentRevealed,
  'project_env.updated': environmentChanged,
  'project_env.restored': environmentRestored,
  'project_env.revealed': environmentRevealed,
  'error_issue.resolved': ({ actor, target }) => [actor, ' resolved the issue ', target],
  'error_issue.reopened': ({ actor, target }) => [actor, ' reopened the issue ', target],
  'error_issue.muted': ({ actor, target }) => [actor, ' muted the issue ', target],
  'error_issue.deleted': ({ actor, target }) => [actor, ' deleted the issue ', target],
  'error_key.created': defaultSentence,
  'error_key.deleted': defaultSentence,
  'source_map.uploaded': ({ actor, target }) => [actor, ' uploaded the source map of ', target],
  'source_map.deleted': ({ actor, target }) => [actor, ' deleted the source map of ', target],
  'deployment.created': ({ event, actor, target }) => [
    actor,
    event.detail['kind'] === 'rollback' ? ' requested a rollback of ' : ' requested a deployment of ',
    target,
  ],
  'deployment.cancelled': ({ actor, target }) => [actor, ' cancelled a deployment of ', target],
  'deployment.approved': ({ actor, target }) => [actor, ' approved a deployment of ', target],
  'deployment.promoted': ({ actor, target }) => [actor, ' promoted the canary deployment of ', target],
  'deployment.aborted': ({ actor, target }) => [actor, ' aborted the canary deployment of ', target],
  'deployment.retried': ({ actor, target }) => [actor, ' retried a failed deployment of ', target],
  'deployment.completed': ({ target }) => ['A deployment of ', target, ' completed'],
  'deployment.failed': ({ target }) => ['A deployment of ', target, ' failed'],
  'script.created': defaultSentence,
  'script.updated': defaultSentence,
  'script.deleted': defaultSentence,
  'run.created': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['The schedule of ', target, ' requested a run']
      : [actor, ' requested a run of ', target],
  'run.cancelled': ({ actor, target }) => [actor, ' cancelled a run of ', target],
  'run.finished': ({ event, target }) => ['A run of ', target, describeOutcome(event)],
  'run.failed': ({ target }) => ['A run of ', target, ' failed'],
  'backup.created': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['The schedule of ', target, ' requested a backup']
      : [actor, ' requested a backup of ', target],
  'backup.finished': ({ event, target }) => ['A backup of ', target, describeOutcome(event)],
  'backup.restore_started': ({ actor, target }) => [actor, ' requested a restore of a backup of ', target],
  'backup.restore_finished': ({ event, target }) => ['The restore of a backup of ', target, describeOutcome(event)],
  'backup.verification_started': ({ actor, target }) => [actor, ' requested a verification of a backup of ', target],
  'backup.verification_finished': ({ event, target }) => [
    'The verification of a backup of ',
    target,
    describeOutcome(event),
  ],
  'backup.key_replaced': ({ actor }) => [actor, ' replaced the key that encrypts new backups'],
  'backup.downloaded': ({ actor, target }) => [actor, ' downloaded a backup of ', target],
  'backup.deleted': ({ event, actor, target }) =>
    event.actor.kind === 'system'
      ? ['An expired backup of ', target, ' was deleted']
      : [actor, ' deleted a backup of ', target],
  'backup.failed': ({ event, target }) => [
    event.detail['verification'] === true ? 'The verification of a backup of ' : 'A backup of ',
    target,
    ' failed',
  ],
  'webhook.created': defaultSentence,
  'webhook.updated': defaultSentence,
  'webhook.deleted': defaultSentence,
  'webhook.secret_replaced': ({ actor, target }) => [actor, ' replaced the secret of the webhook ', target],
  'webhook.tested': ({ actor, target }) => [actor, ' tested the webhook ', target],
  'webhook.redelivered': ({ actor, target }) => [actor, ' resent a message to the webhook ', target],
  'webhook.switched_off': ({ event, target }) => [
    'The webhook ',
    target,
    event.detail['reason'] === 'gone'
      ? ' was switched off because its receiver wants no more messages'
      : ' was switched off because it kept failing',
  ],
  'notice.dismissed': ({ actor, target }) => [actor, ' dismissed the notice: ', target],
  'notice.snoozed': ({ actor, target }) => [actor, ' snoozed the notice: ', target],
  'notice.reopened': ({ actor, target }) => [actor, ' reopened the notice: ', target],
  'notifications.updated': ({ actor }) => [actor, ' changed their email notifications'],
  'error.new': ({ target }) => ['A new kind of error was reported: ', target],
  'error.reopened': ({ target }) => ['A resolved error was reported again: ', target],
} satisfies Partial<Record<AuditAction, SentenceBuilder>>;
