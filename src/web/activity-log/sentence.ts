import type { AuditEvent } from '../../contract/audit-events.ts';
import type { AuditAction } from '../../contract/event-names.ts';
import { capitalize } from '../components/format.ts';
import { ACCESS_SENTENCES } from './access-sentences.ts';
import { RESOURCE_SENTENCES } from './resource-sentences.ts';
import {
  defaultSentence,
  detailFields,
  kindLabel,
  partyName,
  type SentenceBuilder,
  type SentenceContext,
  type SentencePart,
} from './sentence-parts.ts';

/** Compiles only if every action has a sentence. */
const SENTENCES: Readonly<Record<AuditAction, SentenceBuilder>> = { ...ACCESS_SENTENCES, ...RESOURCE_SENTENCES };

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
  const sentences: Readonly<Record<string, SentenceBuilder | undefined>> = SENTENCES;
  const parts = (sentences[event.action] ?? defaultSentence)(context).map((part) =>
    typeof part === 'string' ? { text: part } : part,
  );
  const count = Number(event.detail['count'] ?? 1);
  return count > 1 ? [...parts, { text: ` (${count} times)` }] : [...parts];
}

/** Describes an event as text: "Ada Lovelace created the access token CI/CD Pipeline". */
export function toPlainSentence(event: AuditEvent): string {
  const text = toSentence(event)
    .map((part) => part.text)
    .join('');
  return capitalize(text);
}

/** Returns the label of an action in a filter: "API key created". */
export function actionLabel(action: AuditAction): string {
  const [noun = '', verb = ''] = action.split('.');
  const name = kindLabel(noun);
  return `${capitalize(name)} ${verb.replaceAll('_', ' ').replace('two factor', 'two-factor')}`;
}
