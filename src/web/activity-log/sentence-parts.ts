import type { AuditEvent } from '../../contract/audit-events.ts';
import { formatList } from '../components/sentence.ts';

/** A part of a sentence. A part with a role is highlighted; an actor, target or credential may be a link. */
export interface SentencePart {
  readonly text: string;
  readonly role?: 'actor' | 'target' | 'credential' | 'value';
}
type SentenceParts = readonly (SentencePart | string)[];
const KIND_LABELS: Readonly<Record<string, string>> = {
  access_token: 'access token',
  api_key: 'API key',
};

export const kindLabel = (kind: string): string => KIND_LABELS[kind] ?? kind.replaceAll('_', ' ');

/** Returns the words before a name: "the access token ", with a trailing space. */
export const withDefiniteArticle = (kind: string): string => `the ${kindLabel(kind)} `;

/** Returns the words for an actor or target without a name: "an access token", "a deployment". */
function withIndefiniteArticle(kind: string): string {
  const label = kindLabel(kind);
  return `${/^[aeiou]/i.test(label) ? 'an' : 'a'} ${label}`;
}

/** The display names of edited fields. */
const FIELD_LABELS: Readonly<Record<string, string>> = {
  expiresAt: 'expiry',
  repositoryUser: 'repository user',
  repositoryPassword: 'repository password',
  hasRepositoryPassword: 'repository password',
};

export const DENIAL_REASONS: Readonly<Record<string, string>> = {
  passphrase_required: 'no passphrase was sent',
  passphrase_incorrect: 'the passphrase was incorrect',
  token_inactive: 'it is inactive',
  token_expired: 'it has expired',
  credential_spent: 'it has reached its maximum number of uses',
  address_not_allowed: 'it may not be used from that IP address',
  rate_exceeded: 'it has exceeded its rate limit',
  other_workspace: 'it does not belong to the requested workspace',
  resource_not_allowed: 'it has no access to that project or app',
  insufficient_scope: 'it lacks the required scope or permission',
  wrong_credential_kind: 'the route requires another kind of credential',
  rate_limited: 'too many failed attempts',
};

export function partyName(party: {
  readonly kind: string;
  readonly id: string | null;
  readonly name: string | null;
}): string {
  if (party.kind === 'system') return 'The system';
  return party.name ?? (party.kind === 'person' ? 'Someone' : withIndefiniteArticle(party.kind));
}

export const valuePart = (text: unknown): SentencePart => ({ text: String(text), role: 'value' });

export function detailFields(
  detail: AuditEvent['detail'],
  side: 'before' | 'after',
): Readonly<Record<string, unknown>> {
  const fields = detail[side];
  return typeof fields === 'object' && fields !== null ? { ...fields } : {};
}

/** Lists the fields that an edit changed: "name, permissions, and expiry". */
export function describeChangedFields(event: AuditEvent): string {
  const names = Object.keys(detailFields(event.detail, 'after')).map((field) => FIELD_LABELS[field] ?? field);
  return names.length === 0 ? 'settings' : formatList(names);
}

export const toNames = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : []);

/** Lists the first three names and the number of the others: "A, B, and C", "A, B, C, and 2 more". */
export function summarizeNames(names: readonly string[]): string {
  const firstNames = names.slice(0, 3);
  return formatList(names.length > 3 ? [...firstNames, `${names.length - 3} more`] : firstNames);
}

/** Returns the outcome of a job as a predicate with a leading space: " completed", " was cancelled". */
export function describeOutcome({ detail }: AuditEvent): string {
  const status = typeof detail['status'] === 'string' ? detail['status'] : 'ended';
  return status === 'cancelled' ? ' was cancelled' : ` ${status}`;
}

export interface SentenceContext {
  readonly event: AuditEvent;
  readonly actor: SentencePart;
  readonly target: SentencePart;
  readonly credential: SentencePart;
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

/** Returns the sentence for an event, in parts. */
export type SentenceBuilder = (context: SentenceContext) => SentenceParts;

/** Returns the sentence for an action `noun.verb` with no sentence of its own: "Ada created the project Shop". */
export function defaultSentence({ event, actor, target }: SentenceContext): SentenceParts {
  const [noun = '', verb = ''] = event.action.split('.');
  const hasName = event.target !== null && event.target.name !== null;
  return [
    actor,
    ` ${verb.replaceAll('_', ' ')} ${hasName ? withDefiniteArticle(noun) : withIndefiniteArticle(noun)}`,
    ...(hasName ? [target] : []),
  ];
}

export function describeDeletion(kind: 'access_token' | 'api_key') {
  return ({ event, actor, target }: SentenceContext): SentenceParts =>
    event.actor.kind === 'person' || event.actor.kind === 'system'
      ? [actor, ' deleted ', withDefiniteArticle(kind), target]
      : ['The holder of ', withDefiniteArticle(kind), target, ' revoked it'];
}

/** Returns the beginning of a sentence: "The access token CI". */
export const namedCredential = (event: AuditEvent, credential: SentencePart): SentenceParts => [
  `The ${kindLabel(event.credential?.kind ?? 'credential')} `,
  credential,
];
