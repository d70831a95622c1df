import {
  WEBHOOK_EVENT_FAMILIES,
  WEBHOOK_EVENTS,
  WEBHOOK_SUBSCRIPTIONS,
  type WebhookEvent,
  type WebhookFormat,
  type WebhookSubscription,
} from '../../contract/event-names.ts';
import { WEBHOOK_LIMITS } from '../../contract/limits.ts';
import type { Webhook } from '../../contract/webhooks.ts';
import { validateName } from '../validation.ts';
import { strings } from './strings.ts';

export type WebhookFormValues = {
  readonly name: string;
  readonly url: string;
  readonly format: WebhookFormat;
  readonly events: readonly string[];
};

export type Family = keyof typeof strings.families;

/** Returns all events of a family, such as those that begin with `deployment.` for `deployment.*`. */
export const getFamilyEvents = (family: Family): WebhookEvent[] =>
  WEBHOOK_EVENTS.filter((event) => event.startsWith(family.slice(0, -1)));

/** Returns the selected subscriptions in the order of `WEBHOOK_SUBSCRIPTIONS`, without events of selected families. */
export function toSubscriptions(events: readonly string[]): WebhookSubscription[] {
  const families = WEBHOOK_EVENT_FAMILIES.filter((family) => events.includes(family));
  const familyEvents = new Set<string>(families.flatMap(getFamilyEvents));
  return WEBHOOK_SUBSCRIPTIONS.filter(
    (subscription) => events.includes(subscription) && !familyEvents.has(subscription),
  );
}

export const toFormValues = ({ name, url, format, events }: Webhook): WebhookFormValues => ({
  name,
  url,
  format,
  events,
});

export const toRequestFields = ({ name, url, format, events }: WebhookFormValues) => ({
  name: name.trim(),
  url: url.trim(),
  format,
  events: toSubscriptions(events),
});

function validateUrl(text: string): string | null {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) return strings.fields.urlInvalid;
  return text.trim().length > WEBHOOK_LIMITS.url ? strings.fields.urlTooLong(WEBHOOK_LIMITS.url) : null;
}

export const WEBHOOK_RULES = {
  name: validateName,
  url: validateUrl,
  events: (events: readonly string[]) => (events.length === 0 ? strings.fields.eventsMissing : null),
};

/** The kinds of receivers with initial values for a new webhook: chat services, a log store and a custom receiver. */
export type WebhookPreset = keyof typeof strings.presets.names;

/** The initial values of a new webhook for each kind of receiver. */
export const WEBHOOK_PRESETS: Readonly<Record<WebhookPreset, WebhookFormValues>> = {
  slack: { name: strings.presets.names.slack, url: '', format: 'slack', events: ['deployment.*', 'backup.*'] },
  teams: { name: strings.presets.names.teams, url: '', format: 'teams', events: ['deployment.*', 'backup.*'] },
  discord: { name: strings.presets.names.discord, url: '', format: 'discord', events: ['deployment.*', 'backup.*'] },
  log: { name: strings.presets.names.log, url: '', format: 'standard', events: ['audit.event'] },
  standard: { name: '', url: '', format: 'standard', events: [] },
};

/** The host names of chat services, and the message format of each. */
const FORMATS_BY_HOST: readonly (readonly [RegExp, WebhookFormat])[] = [
  [/^hooks\.slack\.com$/, 'slack'],
  [/^(?:[a-z]+\.)?discord(?:app)?\.com$/, 'discord'],
  [/\.(?:logic\.azure\.com|powerplatform\.com|webhook\.office\.com)$/, 'teams'],
];

/** Returns the message format for the URL of a known chat service; undefined for any other URL. */
export function guessFormat(text: string): WebhookFormat | undefined {
  const host = URL.parse(text.trim())?.hostname ?? '';
  return FORMATS_BY_HOST.find(([pattern]) => pattern.test(host))?.[1];
}

const isFamily = (subscription: WebhookSubscription): subscription is Family => subscription.endsWith('.*');

/** Returns a description of each subscription of a webhook. */
export function describeSubscriptions(subscriptions: readonly WebhookSubscription[]): string[] {
  return subscriptions.map((subscription) => {
    if (isFamily(subscription)) return strings.webhooksPage.allOf(strings.families[subscription]);
    const family = WEBHOOK_EVENT_FAMILIES.find((name) => subscription.startsWith(name.slice(0, -1)));
    const event = strings.events[subscription];
    return family === undefined ? event : `${strings.families[family]}: ${event}`;
  });
}
