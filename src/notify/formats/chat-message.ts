import type { AuditParty } from '../../contract/audit.ts';
import { CREDENTIAL_NOTICE_KINDS } from '../../contract/event-names.ts';
import { describeNotice } from '../../contract/notice-texts.ts';

/** A message in the format of Standard Webhooks, from which messages in the other formats are created. */
export interface WebhookMessage {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The installation and workspace that a message comes from. */
export interface MessageSource {
  readonly workspaceName: string;
  /** Public URL of the web UI, without a trailing slash. */
  readonly publicUrl: string;
}

/** A message for people, in plain text. Each chat format escapes the text by its own rules. */
export interface ChatMessage {
  readonly title: string;
  readonly fields: readonly (readonly [label: string, value: string])[];
  readonly tone: 'good' | 'bad' | 'neutral';
  /** A page of the web UI. */
  readonly url: string;
  readonly timestamp: string;
}

const MAX_FIELDS = 8;
const MAX_LABEL_LENGTH = 40;
const MAX_VALUE_LENGTH = 300;
const MAX_TITLE_LENGTH = 140;

/**
 * Escapes each character of a text and truncates the result to `maxLength` UTF-16 code units, never within a character
 * or an escape sequence. Pure.
 */
export function fitText(
  text: string,
  maxLength: number,
  escapeCharacter: (character: string) => string = String,
): string {
  let fitted = '';
  let length = 0;
  for (const character of text) {
    const escaped = escapeCharacter(character);
    length += escaped.length;
    if (length > maxLength) return `${fitted}…`;
    // Reserves one code unit for the ellipsis.
    if (length <= maxLength - 1) fitted += escaped;
  }
  return [...text].map(escapeCharacter).join('');
}

/** Returns a text as one line, without characters that change the text direction. */
const toLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .trim();

/** The spelling of parts of API names that are not plain words. */
const SPELLINGS: Readonly<Record<string, string>> = { api: 'API', ssh: 'SSH', env: 'environment' };

/** Returns a name of the API as words: `access_token.deleted` as "Access token deleted". Pure. */
function toWords(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .split(/[._\s]+/)
    .map((word) => SPELLINGS[word] ?? word)
    .join(' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

const isParty = (value: unknown): value is AuditParty => typeof value === 'object' && value !== null && 'kind' in value;
/** Returns a scalar value as one line of text; null for any other value. */
const scalarText = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? toLine(String(value)) : null;

const actorName = ({ kind, name, id }: AuditParty): string | null => (kind === 'system' ? 'Devpilot' : (name ?? id));

/** Paths of the pages that messages link to. Messages about other kinds of targets link to the activity log. */
const PAGE_PATHS: Readonly<Record<string, string>> = {
  deployment: '/deployments/',
  run: '/runs/',
  access_token: '/settings/access-tokens/',
  api_key: '/settings/api-keys/',
};

function pageOf(message: WebhookMessage, publicUrl: string): string {
  const { workspaceId, target } = message.data;
  const page = isParty(target) && target.id !== null ? PAGE_PATHS[target.kind] : undefined;
  const isDeleted = /\.deleted$/.test(String(message.data['action'] ?? message.type));
  const path = page === undefined || isDeleted ? '/settings/activity-log' : `${page}${(target as AuditParty).id}`;
  return `${publicUrl}${path}?workspace=${encodeURIComponent(String(workspaceId))}`;
}

/** Parts of the names and statuses of events about problems; `new` is the end of `error.new`. */
const BAD_NAMES = /fail|denied|switched_off|expir|unused|leak|violat|orphan|used_after|new$/;
const GOOD_NAMES = /complete|deliver|finish|success/;

function toneOf(name: string, detail: Readonly<Record<string, unknown>>): ChatMessage['tone'] {
  const status = typeof detail['status'] === 'string' ? detail['status'] : '';
  if (BAD_NAMES.test(name) || BAD_NAMES.test(status)) return 'bad';
  return GOOD_NAMES.test(name) ? 'good' : 'neutral';
}

/** Returns the title of a notice about a credential; null for any other event. */
function noticeTitleOf(name: string, target: unknown, detail: Readonly<Record<string, unknown>>): string | null {
  const kind = CREDENTIAL_NOTICE_KINDS.find((noticeKind) => noticeKind === name);
  return kind === undefined || !isParty(target)
    ? null
    : toLine(describeNotice({ kind, subject: target, detail }).title);
}

/**
 * Returns a message that describes an event to people: its action, target and actor, and the scalar values of its
 * details. Pure.
 */
export function toChatMessage(message: WebhookMessage, source: MessageSource): ChatMessage {
  const { type, timestamp, data } = message;
  const name = type === 'audit.event' && typeof data['action'] === 'string' ? data['action'] : type;
  const detail = (data['detail'] ?? {}) as Readonly<Record<string, unknown>>;
  const { actor, target, address } = data;
  const targetName = isParty(target) ? toLine(target.name ?? target.id ?? '') : '';
  const values: readonly (readonly [string, unknown])[] = [
    ['Workspace', source.workspaceName],
    ['By', isParty(actor) ? actorName(actor) : null],
    ['Address', address],
    ...Object.entries(detail).map(([key, value]) => [toWords(key), value] as const),
  ];
  const fields = values.flatMap(([label, value]) => {
    const text = scalarText(value);
    if (text === null || text === '') return [];
    return [[fitText(toLine(label), MAX_LABEL_LENGTH), fitText(text, MAX_VALUE_LENGTH)] as const];
  });
  const action = targetName === '' ? toWords(name) : `${toWords(name)}: ${targetName}`;
  return {
    title: fitText(noticeTitleOf(name, target ?? data['credential'], detail) ?? action, MAX_TITLE_LENGTH),
    fields: fields.slice(0, MAX_FIELDS),
    tone: toneOf(name, detail),
    url: pageOf(message, source.publicUrl),
    timestamp,
  };
}
