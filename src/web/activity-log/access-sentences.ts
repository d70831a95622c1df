import type { AuditAction } from '../../contract/event-names.ts';
import {
  DENIAL_REASONS,
  defaultSentence,
  describeChangedFields,
  describeDeletion,
  namedCredential,
  type SentenceBuilder,
  valuePart,
  withDefiniteArticle,
} from './sentence-parts.ts';

/** The sentences for credentials, workload identities, people, sign-in, members, the workspace and its policy. */
export const ACCESS_SENTENCES = {
  'access_token.created': defaultSentence,
  'access_token.deleted': describeDeletion('access_token'),
  'api_key.created': defaultSentence,
  'api_key.deleted': describeDeletion('api_key'),
  'api_key.updated': ({ event, actor, target, after }) => {
    const fields = Object.keys(after);
    const onlyChangedField = fields.length === 1 ? fields[0] : undefined;
    if (onlyChangedField === 'active')
      return [actor, after['active'] === true ? ' enabled ' : ' disabled ', withDefiniteArticle('api_key'), target];
    if (onlyChangedField === 'guard') {
      const allowed = after['guard'] === true;
      return [
        actor,
        allowed ? ' allowed ' : ' no longer allows ',
        withDefiniteArticle('api_key'),
        target,
        ' to run guards',
      ];
    }
    return [actor, ` changed the ${describeChangedFields(event)} of `, withDefiniteArticle('api_key'), target];
  },
  'credential.denied': ({ event, credential }) => [
    ...namedCredential(event, credential),
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
    ' was used after its deletion',
  ],
  'credential.violates_policy': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' violates the policy',
  ],
  'credential.orphaned': ({ event, credential }) => [
    ...namedCredential(event, credential),
    ' was created by someone who has left the workspace',
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
  'person.denied': ({ event, actor }) => [actor, "'s role did not allow ", valuePart(event.detail['reason'])],
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
    if (event.detail['reason'] === 'provider') return ['A session was ended by the identity provider'];
    return event.actor.kind === 'session' ? ['The holder of a session revoked it'] : [actor, ' ended a session'];
  },
  'session.failed': ({ event, actor }) => {
    if (String(event.detail['reason']).startsWith('single_sign_on_')) return ['A sign-in with single sign-on failed'];
    if (event.actor.name === null) return ['Sign-in with an unknown email address failed'];
    if (event.detail['reason'] === 'password_incorrect') {
      return [actor, ' entered an incorrect password when reauthenticating'];
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
  'workspace.updated': ({ actor, before, after }) => {
    if ('name' in after) {
      return [actor, ' renamed the workspace from ', valuePart(before['name']), ' to ', valuePart(after['name'])];
    }
    return 'slug' in after
      ? [actor, ' changed the slug of the workspace to ', valuePart(after['slug'])]
      : [actor, ' changed which groups grant a role in the workspace'];
  },
  'workspace.owner_changed': ({ actor, target }) => [actor, ' transferred ownership to ', target],
  'policy.updated': ({ actor }) => [actor, ' changed the policy of the workspace'],
  // The system adds members whose groups at the identity provider grant them a role.
  'member.created': ({ event, actor, target, after }) => [
    event.actor.kind === 'system' ? target : actor,
    ' joined as ',
    valuePart(after['role']),
  ],
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
  'invitation.deleted': ({ actor, target }) => [actor, ' revoked the invitation for ', target],
  'workload_identity.created': defaultSentence,
  'workload_identity.updated': defaultSentence,
  'workload_identity.deleted': defaultSentence,
  'workload_identity.denied': ({ event, actor }) => [
    `A token was refused for ${withDefiniteArticle('workload_identity')}`,
    actor,
    ': ',
    valuePart(event.detail['reason'] ?? 'unknown reason'),
  ],
  'system.secret_rotated': ({ actor }) => [actor, ' re-encrypted the stored values with a new secret'],
} satisfies Partial<Record<AuditAction, SentenceBuilder>>;
