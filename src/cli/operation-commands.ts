import type { Command } from '@commander-js/extra-typings';
import { apiCommand, collectValues, declared, FUTURE_INSTANT_HELP, LIMIT_HELP, YES_HELP } from './command-builders.ts';

const FOLLOW_HELP = 'print the log until the deployment ends; exit with 1 on failure, with 2 if cancelled';
const WAIT_HELP = 'wait for the result; exit with 1 on failure, with 2 if cancelled';
const FOLLOW_RUN_HELP = 'print the log until the run ends; exit with the exit code of the script';
const WAIT_RUN_HELP = 'wait for the result; exit with the exit code of the script';
const STATUS_HELP = 'filter by status: pending, processing, completed, failed or cancelled';

/** Declares the commands for deployments, runs, backups and logs. */
export function operationCommands(program: Command): void {
  deploymentCommands(program);
  runCommands(program);
  backupCommands(program);
  apiCommand(program, 'logs', 'Print the log of a deployment, a run or an app')
    .argument('<source>', 'ID of a deployment or run, or ID or slug of an app')
    .option('--follow', 'keep printing new lines')
    .option('--from <lines>', 'number of lines to skip')
    .option('--search <text>', 'print only lines that contain this text, ignoring case')
    .option('--timestamps', 'prefix each line with its time')
    .option('--raw', 'print lines unmodified, including control sequences for terminals and build systems')
    .action(async (id, options) => (await import('./logs.ts')).showLog(id, declared(options)));
}

/** Declares a command that starts a deployment or a rollback, with the options that both have. */
function deploymentCommand(parent: Command, name: string, description: string) {
  return apiCommand(parent, name, description)
    .option('--follow', FOLLOW_HELP)
    .option('--wait', WAIT_HELP)
    .option('--replace', 'cancel the pending deployments of the app')
    .option('--skip-hook <name>', 'hook to skip; can be repeated', collectValues)
    .option('--server <server>', 'ID or slug of a server to deploy to; can be repeated', collectValues)
    .option('--strategy <strategy>', 'rollout strategy: all, rolling or canary')
    .option('--batch-size <count>', 'number of servers per batch, for rolling')
    .option('--pause <seconds>', 'pause between batches, in seconds')
    .option('--at <when>', `start time: ${FUTURE_INSTANT_HELP}`)
    .option(
      '--approval',
      'require approval before the deployment starts; if the workspace has other members, one of them must approve',
    )
    .option('--health-url <url>', 'check this URL instead of the health check of the app')
    .option('--no-health-check', 'skip the health check');
}

function deploymentCommands(program: Command): void {
  deploymentCommand(program, 'deploy', 'Deploy an app')
    .argument('<app>', 'ID or slug')
    .option('--branch <branch>', 'branch to deploy (default: the branch of the app)')
    .option('--tag <tag>', 'tag to deploy instead of a branch; a pattern with * selects the newest matching tag')
    .option('--commit <commit>', 'commit to deploy instead of a branch')
    .action(async (app, options) => (await import('./deploy.ts')).deploy(app, declared(options)));
  const deployments = program.command('deployments').description('Manage deployments');
  const load = () => import('./deployments.ts');
  apiCommand(deployments, 'list', 'List deployments, newest first')
    .option('--app <app>', 'filter by app: ID or slug')
    .option('--status <status>', STATUS_HELP)
    .option('--live', 'list only deployments whose release is live')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listDeployments(declared(options)));
  apiCommand(deployments, 'show', 'Show details of a deployment')
    .argument('<id>', 'ID of the deployment')
    .action(async (id, options) => (await load()).showDeployment(id, declared(options)));
  apiCommand(
    deployments,
    'variables',
    'List the names of the variables that were added, removed or changed since the previous release',
  )
    .argument('<id>', 'ID of the deployment')
    .action(async (id, options) => (await load()).showVariables(id, declared(options)));
  deploymentCommand(deployments, 'rollback', 'Roll back to an earlier deployment by deploying its commit again')
    .argument('<id>', 'ID of the deployment to roll back to')
    .action(async (id, options) => (await import('./deploy.ts')).rollBack(id, declared(options)));
  apiCommand(
    deployments,
    'retry',
    'Retry a failed deployment from the failed step, or earlier if hooks or variables have changed',
  )
    .argument('<id>', 'ID of the deployment')
    .option('--follow', FOLLOW_HELP)
    .option('--wait', WAIT_HELP)
    .action(async (id, options) => (await import('./deploy.ts')).retry(id, declared(options)));
  const actions = [
    ['cancel', 'Cancel a deployment; servers that were already switched to the new release are rolled back'],
    ['approve', 'Approve a deployment that is waiting for approval'],
    ['promote', 'Promote a canary deployment to the remaining servers'],
    ['abort', 'Abort a canary deployment and roll back its first server'],
  ] as const;
  for (const [action, description] of actions) {
    apiCommand(deployments, action, description)
      .argument('<id>', 'ID of the deployment')
      .action(async (id, options) => (await load()).applyAction(action, id, declared(options)));
  }
}

function runCommands(program: Command): void {
  const load = () => import('./runs.ts');
  apiCommand(program, 'run', 'Run a script')
    .argument('<script>', 'ID or slug')
    .option(
      '--param <NAME=VALUE>',
      'parameter; NAME=- reads the value from standard input; can be repeated',
      collectValues,
    )
    .option('--follow', FOLLOW_RUN_HELP)
    .option('--wait', WAIT_RUN_HELP)
    .action(async (script, options) => (await load()).runScript(script, declared(options)));
  const runs = program.command('runs').description('View and cancel script runs');
  apiCommand(runs, 'list', 'List runs of a script, newest first')
    .argument('<script>', 'ID or slug')
    .option('--status <status>', STATUS_HELP)
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (script, options) => (await load()).listRuns(script, declared(options)));
  apiCommand(runs, 'show', 'Show details of a run')
    .argument('<id>', 'ID of the run')
    .action(async (id, options) => (await load()).showRun(id, declared(options)));
  apiCommand(runs, 'cancel', 'Cancel a run and end all its processes')
    .argument('<id>', 'ID of the run')
    .action(async (id, options) => (await load()).cancelRun(id, declared(options)));
}

function backupCommands(program: Command): void {
  const backups = program
    .command('backups')
    .description('Manage backups of apps (to back up the installation: devpilot backup)');
  const load = () => import('./backups.ts');
  apiCommand(backups, 'list', 'List backups of an app, newest first')
    .argument('<app>', 'ID or slug')
    .option('--status <status>', STATUS_HELP)
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (app, options) => (await load()).listBackups(app, declared(options)));
  apiCommand(backups, 'show', 'Show details of a backup and its last restore')
    .argument('<id>', 'ID of the backup')
    .action(async (id, options) => (await load()).showBackup(id, declared(options)));
  apiCommand(backups, 'create', 'Create a backup of an app')
    .argument('<app>', 'ID or slug')
    .option('--wait', WAIT_HELP)
    .action(async (app, options) => (await load()).createBackup(app, declared(options)));
  apiCommand(backups, 'restore', 'Restore an app from a backup, replacing its current data')
    .argument('<id>', 'ID of the backup')
    .option('--app <app>', 'ID or slug of another app to restore into')
    .option('--server <server>', 'ID or slug of another server to restore on')
    .option('--detach', 'start the restore without waiting for it')
    .option('--yes', YES_HELP)
    .action(async (id, options) => (await load()).restoreBackup(id, declared(options)));
  apiCommand(
    backups,
    'verify',
    "Verify the stored data of a backup; a directory backup is also unpacked on the app's server; a dump is passed to the app's verification command, if there is one",
  )
    .argument('<id>', 'ID of the backup')
    .option('--detach', 'start the verification without waiting for it')
    .action(async (id, options) => (await load()).verifyBackup(id, declared(options)));
  apiCommand(backups, 'download', 'Download the data of a backup and verify its SHA-256 digest')
    .argument('<id>', 'ID of the backup')
    .option(
      '--output <file>',
      'file to write; - for standard output (default: the ID of the backup with .tar.gz or .zst)',
    )
    .action(async (id, options) => (await load()).downloadBackup(id, declared(options)));
  apiCommand(backups, 'replace-key', 'Replace the key that encrypts new backups; existing backups stay readable')
    .option('--yes', YES_HELP)
    .action(async (options) => (await load()).replaceBackupKey(declared(options)));
  apiCommand(backups, 'delete', 'Delete backups and their stored data')
    .argument('<ids...>', 'IDs of the backups')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteBackups(ids, declared(options)));
}
