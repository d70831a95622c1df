import type { Command } from '@commander-js/extra-typings';
import { NOTICE_KINDS } from '../contract/event-names.ts';
import { apiCommand, declared, FUTURE_INSTANT_HELP, LIMIT_HELP } from './command-builders.ts';

/** Declares the commands for notices. */
export function noticeCommands(program: Command): void {
  const notices = program.command('notices').description('List and dismiss notices about problems that need attention');
  const load = () => import('./notices.ts');
  apiCommand(notices, 'list', 'List notices, newest first')
    .option('--status <status>', 'filter by status: open, snoozed, dismissed or all', 'open')
    .option('--kind <kind>', 'filter by kind')
    .option('--limit <count>', LIMIT_HELP)
    .addHelpText('after', `\nKinds:\n${NOTICE_KINDS.map((kind) => `  ${kind}`).join('\n')}`)
    .action(async (options) => (await load()).listNotices(declared(options)));
  apiCommand(notices, 'dismiss', 'Dismiss notices, or snooze them with --until')
    .argument('<notices...>', 'IDs')
    .option('--until <when>', `snooze the notices until this time: ${FUTURE_INSTANT_HELP}`)
    .action(async (ids, options) => (await load()).dismissNotices(ids, declared(options)));
}
