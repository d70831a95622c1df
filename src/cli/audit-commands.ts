import type { Command } from '@commander-js/extra-typings';
import {
  apiCommand,
  declared,
  FROM_INSTANT_HELP,
  LIMIT_HELP,
  SETTINGS_HELP,
  TO_INSTANT_HELP,
} from './command-builders.ts';

/** Declares the commands for the activity log. */
export function auditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description(
      'View, export and verify the activity log, in which Devpilot records who changed what in the workspace',
    );
  const load = () => import('./audit.ts');
  const entriesCommand = (name: string, description: string, toHelp = TO_INSTANT_HELP) =>
    apiCommand(audit, name, description)
      .option('--action <action>', 'filter by action, such as access_token.created')
      .option('--actor <id>', 'filter by ID of the actor')
      .option('--target <id>', 'filter by ID of the target')
      .option('--credential <id>', 'filter by ID of a credential, as actor or target')
      .option('--from <when>', FROM_INSTANT_HELP)
      .option('--to <when>', toHelp);
  entriesCommand('list', 'List the newest entries')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listAudit(declared(options)));
  const tailToHelp = `${TO_INSTANT_HELP}; later entries are not printed`;
  entriesCommand('tail', 'Print the newest entries, then new ones as they are recorded', tailToHelp).action(
    async (options) => (await load()).tailAudit(declared(options)),
  );
  entriesCommand('export', 'Export the matching entries as NDJSON')
    .option('--output <file>', 'write to this file, readable only by you (default: standard output)')
    .option('--to-bucket <object>', 'write to this object in the bucket of DEVPILOT_BACKUP_BUCKET')
    .action(async (options) => (await load()).exportAudit(declared(options)));
  audit
    .command('verify')
    .description(
      'Verify that no entry of any activity log was removed or changed, by reading the data directory or database directly',
    )
    .option('--json', 'output JSON, one line per log')
    .addHelpText('after', SETTINGS_HELP)
    .action(async (options) => (await import('./audit-verify.ts')).auditVerify(declared(options)));
}
