import type { Command } from 'commander';
import { apiCommand, collectValues, LIMIT_HELP, YES_HELP } from './command-builders.ts';

const FOLLOW_HELP = 'print what it says until it is over, and end as it does';
const WAIT_HELP = 'say nothing until it is over, and end as it does';
const STATUS_HELP = 'pending, processing, completed, failed or cancelled';

/** What takes time on servers, as it is declared. */
export function operationCommands(program: Command): void {
  deploymentCommands(program);
  runCommands(program);
  backupCommands(program);
  apiCommand(program, 'logs', 'Print what a deployment or a run said, or what an app says')
    .argument('<what>', 'id of a deployment or a run; id or slug of an app')
    .option('--follow', 'go on while more is said')
    .option('--from <lines>', 'pass over so many lines')
    .option('--timestamps', 'the time before each line')
    .option('--raw', 'lines as they came, with colors and whatever else a terminal or a build system obeys')
    .action(async (id, options) => (await import('./logs.ts')).showLog(id, options));
}

/** A deployment or a rollback, with all that can be asked for. */
function deploymentCommand(parent: Command, name: string, description: string): Command {
  return apiCommand(parent, name, description)
    .option('--follow', FOLLOW_HELP)
    .option('--wait', WAIT_HELP)
    .option('--replace', 'cancel deployments of this app that still wait')
    .option('--skip-hook <name>', 'a hook that is not run; may be repeated', collectValues)
    .option('--server <server>', 'id or slug of a server; may be repeated', collectValues)
    .option('--strategy <strategy>', 'all, rolling or canary')
    .option('--batch-size <count>', 'servers at a time, for rolling')
    .option('--pause <seconds>', 'between two batches')
    .option('--at <when>', 'not before then: such as 30m, 12h, or an instant')
    .option('--approval', 'wait until somebody else approves it')
    .option('--health-url <url>', "check this URL instead of the app's own health check")
    .option('--no-health-check', 'no health check');
}

function deploymentCommands(program: Command): void {
  deploymentCommand(program, 'deploy', 'Deploy an app')
    .argument('<app>', 'id or slug')
    .option('--branch <branch>', "instead of the app's own")
    .option('--commit <commit>', 'instead of a branch')
    .action(async (app, options) => (await import('./deploy.ts')).deploy(app, options));
  const deployments = program.command('deployments').description('Deployments of apps');
  const load = () => import('./deployments.ts');
  apiCommand(deployments, 'list', 'List them, newest first')
    .option('--app <app>', 'id or slug of the app')
    .option('--status <status>', STATUS_HELP)
    .option('--live', 'only what runs now')
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (options) => (await load()).listDeployments(options));
  apiCommand(deployments, 'show', 'Show one')
    .argument('<id>')
    .action(async (id, options) => (await load()).showDeployment(id, options));
  deploymentCommand(deployments, 'rollback', 'Deploy the commit of an earlier one again')
    .argument('<id>', 'the deployment to go back to')
    .action(async (id, options) => (await import('./deploy.ts')).rollBack(id, options));
  const actions = [
    ['cancel', 'End one; what it had switched goes back'],
    ['approve', 'Approve one that waits for it'],
    ['promote', 'Let a canary go on to the servers that are left'],
    ['abort', 'Give a canary up: its first server goes back'],
  ] as const;
  for (const [action, description] of actions) {
    apiCommand(deployments, action, description)
      .argument('<id>')
      .action(async (id, options) => (await load()).applyAction(action, id, options));
  }
}

function runCommands(program: Command): void {
  const load = () => import('./runs.ts');
  apiCommand(program, 'run', 'Run a script')
    .argument('<script>', 'id or slug')
    .option('--param <NAME=VALUE>', 'a parameter, NAME=- for standard input; may be repeated', collectValues)
    .option('--follow', FOLLOW_HELP)
    .option('--wait', WAIT_HELP)
    .action(async (script, options) => (await load()).runScript(script, options));
  const runs = program.command('runs').description('Runs of scripts');
  apiCommand(runs, 'list', 'List those of a script, newest first')
    .argument('<script>', 'id or slug')
    .option('--status <status>', STATUS_HELP)
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (script, options) => (await load()).listRuns(script, options));
  apiCommand(runs, 'show', 'Show one')
    .argument('<id>')
    .action(async (id, options) => (await load()).showRun(id, options));
  apiCommand(runs, 'cancel', 'End one with all its processes')
    .argument('<id>')
    .action(async (id, options) => (await load()).cancelRun(id, options));
}

function backupCommands(program: Command): void {
  const backups = program.command('backups').description('Backups of apps');
  const load = () => import('./backups.ts');
  apiCommand(backups, 'list', 'List those of an app, newest first')
    .argument('<app>', 'id or slug')
    .option('--status <status>', STATUS_HELP)
    .option('--limit <count>', LIMIT_HELP, '50')
    .action(async (app, options) => (await load()).listBackups(app, options));
  apiCommand(backups, 'show', 'Show one, with what came of its last restore')
    .argument('<id>')
    .action(async (id, options) => (await load()).showBackup(id, options));
  apiCommand(backups, 'create', 'Make one of an app')
    .argument('<app>', 'id or slug')
    .option('--wait', WAIT_HELP)
    .action(async (app, options) => (await load()).createBackup(app, options));
  apiCommand(backups, 'restore', 'Put one in the place of what is there, and end as that does')
    .argument('<id>')
    .option('--detach', 'begin it and do not wait')
    .option('--yes', YES_HELP)
    .action(async (id, options) => (await load()).restoreBackup(id, options));
  apiCommand(backups, 'delete', 'Delete them and what is stored of them')
    .argument('<ids...>')
    .option('--yes', YES_HELP)
    .action(async (ids, options) => (await load()).deleteBackups(ids, options));
}
