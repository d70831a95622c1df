import type { Command } from '@commander-js/extra-typings';
import { NOTICE_KINDS, WEBHOOK_FORMATS, WEBHOOK_SUBSCRIPTIONS } from '../contract/event-names.ts';
import { apiCommand, declared, LIMIT_HELP, YES_HELP } from './command-builders.ts';
import { parseList } from './input.ts';

const EVENT_HELP = 'event or event family such as "run.*", or several separated by commas; can be repeated';
const FORMAT_HELP = `format of messages: ${WEBHOOK_FORMATS.join(', ')}`;
const EVENT_NOTES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(NOTICE_KINDS.map((kind) => [kind, 'notice'])),
  'audit.event': 'every event of the activity log, in order',
  'deployment.failed': 'also a notice',
  'run.finished': 'a run has completed, failed or been cancelled',
  'run.failed': 'notice that a run failed',
  'backup.finished': 'a backup has completed, failed or been cancelled',
  'backup.failed': 'notice that a backup or a verification failed',
  'backup.restore_finished': 'a restore has completed, failed or been cancelled',
  'backup.verification_finished': 'a verification has completed, failed or been cancelled',
};
const EVENT_WIDTH = Math.max(...WEBHOOK_SUBSCRIPTIONS.map((event) => event.length)) + 2;
const EVENTS_HELP = `\nEvents. A notice tells owners and admins what needs attention; "notice" marks the events that are sent for notices:\n${WEBHOOK_SUBSCRIPTIONS.map(
  (event) => `  ${event.padEnd(EVENT_WIDTH)}${EVENT_NOTES[event] ?? ''}`.trimEnd(),
).join('\n')}`;

/** Declares the commands for webhooks. */
export function webhookCommands(program: Command): void {
  const webhooks = program
    .command('webhooks')
    .description('Manage webhooks, which send messages about events to other systems');
  const load = () => import('./webhooks.ts');
  apiCommand(webhooks, 'list', 'List webhooks')
    .option('--limit <count>', LIMIT_HELP)
    .action(async (options) => (await load()).listWebhooks(declared(options)));
  apiCommand(webhooks, 'create', 'Create a webhook; prints only the secret to standard output')
    .requiredOption('--name <name>', 'name of the webhook (required)')
    .requiredOption('--endpoint <url>', 'URL that messages are posted to (required)')
    .requiredOption('--event <events>', `${EVENT_HELP} (required)`, parseList)
    .option('--format <format>', FORMAT_HELP, 'standard')
    .addHelpText('after', EVENTS_HELP)
    .action(async (options) => (await load()).createWebhook(declared(options)));
  apiCommand(webhooks, 'update', 'Update a webhook')
    .argument('<webhook>', 'ID')
    .option('--name <name>', 'new name')
    .option('--endpoint <url>', 'new URL that messages are posted to')
    .option('--event <events>', `new events that replace the current ones: ${EVENT_HELP}`, parseList)
    .option('--format <format>', FORMAT_HELP)
    .option('--active <on|off>', 'send messages: on or off; on resumes with the first event that was not delivered')
    .option(
      '--replace-secret',
      'replace the secret and print the new one; messages are also signed with the previous one for 24 hours',
    )
    .addHelpText('after', EVENTS_HELP)
    .action(async (id, options) => (await load()).updateWebhook(id, declared(options)));
  apiCommand(webhooks, 'delete', 'Delete webhooks and their deliveries')
    .argument('<webhooks...>', 'IDs')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteWebhooks(ids, declared(options)));
  apiCommand(webhooks, 'test', 'Send a test message; exits with a non-zero code if it is not accepted')
    .argument('<webhook>', 'ID')
    .action(async (id, options) => (await load()).testWebhook(id, declared(options)));
  apiCommand(webhooks, 'deliveries', 'List deliveries of a webhook, newest first')
    .argument('<webhook>', 'ID')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (id, options) => (await load()).listDeliveries(id, declared(options)));
  apiCommand(webhooks, 'redeliver', 'Send a message again; exits with a non-zero code if it is not accepted')
    .argument('<webhook>', 'ID of the webhook')
    .argument('<delivery>', 'ID of the delivery')
    .action(async (id, delivery, options) => (await load()).redeliver(id, delivery, declared(options)));
}
