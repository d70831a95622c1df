import type { ReactNode } from 'react';
import type { WEBHOOK_EVENT_FAMILIES, WebhookFormat, WebhookSubscription } from '../../contract/vocabulary.ts';
import { plural } from '../components/plural.ts';
import { sentence } from '../components/sentence.ts';

type Family = (typeof WEBHOOK_EVENT_FAMILIES)[number];

const families: Readonly<Record<Family, string>> = {
  'credential.*': 'Access tokens and API keys',
  'member.*': 'Members',
  'deployment.*': 'Deployments',
  'run.*': 'Script runs',
  'backup.*': 'Backups',
};

const events: Readonly<Record<Exclude<WebhookSubscription, Family>, string>> = {
  'audit.event': 'Every event of the activity log, in order',
  'credential.created': 'Created',
  'credential.updated': 'Edited',
  'credential.deleted': 'Deleted',
  'credential.denied': 'Request denied',
  'credential.passphrase_failed': 'Wrong passphrase',
  'member.created': 'Joined',
  'member.updated': 'Role changed',
  'member.deleted': 'Removed',
  'member.left': 'Left',
  'member.sessions_ended': 'Signed out everywhere',
  'deployment.created': 'Queued',
  'deployment.cancelled': 'Cancelled',
  'deployment.approved': 'Approved',
  'deployment.promoted': 'Canary promoted',
  'deployment.aborted': 'Canary aborted',
  'deployment.completed': 'Completed',
  'deployment.failed': 'Failed',
  'run.created': 'Started',
  'run.cancelled': 'Cancelled',
  'run.finished': 'Finished',
  'backup.created': 'Started',
  'backup.finished': 'Finished',
  'backup.deleted': 'Deleted',
  'backup.restore_started': 'Restore started',
  'backup.restore_finished': 'Restore finished',
};

const formats: Readonly<Record<WebhookFormat, string>> = {
  standard: 'JSON (Standard Webhooks)',
  slack: 'Slack',
  teams: 'Microsoft Teams',
  discord: 'Discord',
};

const urlHints: Readonly<Record<WebhookFormat, string>> = {
  standard: 'Messages are posted here as JSON and signed with a secret that is shown after you save.',
  slack: 'In Slack, create an app with an incoming webhook for a channel, and copy its URL.',
  teams:
    'In the channel, open Workflows, choose “Send webhook alerts to a channel”, and copy the URL of the new workflow.',
  discord: 'In the channel’s settings, open Integrations, create a webhook, and copy its URL.',
};

export const strings = {
  families,
  events,
  formats,
  recipes: {
    label: 'Start with:',
    names: {
      standard: 'Own receiver',
      slack: 'Slack',
      teams: 'Microsoft Teams',
      discord: 'Discord',
      log: 'SIEM or log store',
    },
  },
  webhooksPage: {
    title: 'Webhooks',
    description: 'Messages to chats and other systems about what happens in this workspace.',
    newWebhook: 'New webhook',
    emptyTitle: 'No webhooks yet',
    emptyHint:
      'A webhook posts a message to a URL when something happens: a deployment fails, a credential is created, or any event of the activity log.',
    columns: { name: 'Name', state: 'State', events: 'Events', lastDelivered: 'Last delivered' },
    never: 'Never',
    eventCount: (count: number) => `${count} ${plural(count, { one: 'event', other: 'events' })}`,
    allOf: (family: string) => `${family}: all`,
  },
  state: {
    active: 'Active',
    failing: 'Failing',
    inactive: 'Inactive',
    switchedOff: 'Switched off',
  },
  fields: {
    namePlaceholder: 'Deployments in Slack',
    url: 'URL',
    urlHints,
    urlPlaceholder: 'https://hooks.example.com/devpilot',
    urlInvalid: 'Enter a URL that starts with https:// or http://.',
    format: 'Format',
    formatDescription: 'How messages look to the receiver.',
    events: 'Events',
    eventsMissing: 'Choose at least one event.',
    orderHint: 'Messages arrive one after the other without gaps. One that fails holds back those after it.',
    all: 'All, including events added in later versions',
    labels: { name: 'Name', url: 'URL', format: 'Format', events: 'Events' },
  },
  secretDialog: {
    createdTitle: 'Webhook created',
    replacedTitle: 'Secret replaced',
    secretName: 'The secret',
    shownOnce: (name: ReactNode) => sentence`Copy the secret of ${name} now. It is shown only once.`,
    secret: 'Secret',
    copySecret: 'Copy secret',
    use: 'The receiver verifies the signature of each message with it.',
    overlap: (until: ReactNode) => sentence`Messages are also signed with the previous secret until ${until}.`,
    done: 'I have stored the secret',
  },
  deleteDialog: {
    consequences: 'Its deliveries are deleted too. Events that were not delivered are never sent.',
  },
  webhookPage: {
    noun: 'webhook',
    title: 'Webhook',
    back: 'Webhooks',
    activate: 'Activate',
    deactivate: 'Deactivate',
    activated: 'Webhook activated. It continues with the first event that was not delivered.',
    deactivated: 'Webhook deactivated',
    switchedOff: (time: ReactNode) =>
      sentence`Switched off ${time}: every attempt had failed for 3 days, or the receiver responded that it is gone (410). Fix the receiver, then activate the webhook. It continues with the first event that was not delivered.`,
    failing: (time: ReactNode) =>
      sentence`Deliveries have been failing since ${time}. They are retried with growing pauses. After 3 days the webhook is switched off.`,
    testTitle: 'Test',
    testDescription: 'Sends a message of the type webhook.test now.',
    sendTest: 'Send test message',
    accepted: (status: number) => `The receiver accepted the message (${status}).`,
    notAccepted: 'The message was not accepted.',
    noResult: 'There is no result yet. See the deliveries below.',
    detailsTitle: 'Details',
    items: {
      url: 'URL',
      format: 'Format',
      events: 'Events',
      lastDelivered: 'Last delivered',
      failingSince: 'Failing since',
      secret: 'Signing secret',
      created: 'Created',
      id: 'ID',
    },
    replaceSecret: 'Replace secret…',
    previousSecret: (until: ReactNode) => sentence`The previous secret also signs messages until ${until}.`,
    replaceTitle: 'Replace the signing secret',
    replaceConfirm: 'Replace secret',
    replaceConsequence:
      'The new secret is shown once. For 24 hours, messages are signed with both secrets, so that you can change the receiver meanwhile. A secret that was replaced earlier stops working at once.',
  },
  deliveries: {
    title: 'Deliveries',
    description: 'The newest messages with the last response of the receiver. They are kept for 30 days.',
    emptyTitle: 'No deliveries yet',
    emptyHint: 'Send a test message, or wait for the first event.',
    columns: { event: 'Event', status: 'Status', created: 'Created', attempts: 'Attempts', response: 'Response' },
    statuses: { waiting: 'Waiting', delivered: 'Delivered', failed: 'Failed' },
    nextAttempt: (time: ReactNode) => sentence`Next attempt ${time}`,
    responded: (status: number, milliseconds: number) => `${status} in ${milliseconds} ms`,
    notSent: 'Not sent yet',
    details: 'Details',
    sendAgain: 'Send again',
    sendNow: 'Send now',
    sent: 'The message is being sent again.',
    detailTitle: (event: string) => `Delivery of ${event}`,
    requestHeaders: 'Request headers',
    requestBody: 'Request body',
    responseBody: 'Response body',
    signatureHidden: 'Signatures are not stored. Secrets in a response are masked.',
    noResponse: 'The receiver sent no body.',
    items: {
      messageId: 'Message ID',
      status: 'Status',
      attempts: 'Attempts',
      lastAttempt: 'Last attempt',
      response: 'Response',
    },
  },
};
