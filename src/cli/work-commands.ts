import type { Command } from 'commander';
import { AT_MOST, gather, remote, YES } from './declare.ts';

const FOLLOW = 'print what it says until it is over, and end as it does';
const WAIT = 'say nothing until it is over, and end as it does';
const STATUS = 'pending, processing, completed, failed or cancelled';

/** What takes time on servers, as it is declared. */
export function workCommands(program: Command): void {
  deploymentCommands(program);
  runCommands(program);
  backupCommands(program);
  remote(program, 'logs', 'Print what a deployment or a run said, or what an app says')
    .argument('<what>', 'id of a deployment or a run; id or slug of an app')
    .option('--follow', 'go on while more is said')
    .option('--from <lines>', 'pass over so many lines')
    .option('--timestamps', 'the time before each line')
    .option('--raw', 'lines as they came, with colors and whatever else a terminal or a build system obeys')
    .action(async (what, options) => (await import('./logs.ts')).showLog(what, options));
}

/** A deployment or a rollback, with all that can be asked for. */
function deploying(parent: Command, name: string, description: string): Command {
  return remote(parent, name, description)
    .option('--follow', FOLLOW)
    .option('--wait', WAIT)
    .option('--replace', 'cancel deployments of this app that still wait')
    .option('--skip-hook <name>', 'a hook that is not run; may be repeated', gather)
    .option('--server <server>', 'id or slug of a server; may be repeated', gather)
    .option('--strategy <strategy>', 'all, rolling or canary')
    .option('--batch-size <count>', 'servers at a time, for rolling')
    .option('--pause <seconds>', 'between two batches')
    .option('--at <when>', 'not before then: such as 30m, 12h, or an instant')
    .option('--approval', 'wait until somebody else approves it')
    .option('--health-url <url>', "check this URL instead of the app's own health check")
    .option('--no-health-check', 'no health check');
}

function deploymentCommands(program: Command): void {
  deploying(program, 'deploy', 'Deploy an app')
    .argument('<app>', 'id or slug')
    .option('--branch <branch>', "instead of the app's own")
    .option('--commit <commit>', 'instead of a branch')
    .action(async (app, options) => (await import('./deploy.ts')).deploy(app, options));
  const deployments = program.command('deployments').description('Deployments of apps');
  const shared = () => import('./deployments.ts');
  remote(deployments, 'list', 'List them, newest first')
    .option('--app <app>', 'id or slug of the app')
    .option('--status <status>', STATUS)
    .option('--live', 'only what runs now')
    .option('--limit <count>', AT_MOST, '50')
    .action(async (options) => (await shared()).listDeployments(options));
  remote(deployments, 'show', 'Show one')
    .argument('<id>')
    .action(async (id, options) => (await shared()).showDeployment(id, options));
  deploying(deployments, 'rollback', 'Deploy the commit of an earlier one again')
    .argument('<id>', 'the deployment to go back to')
    .action(async (id, options) => (await import('./deploy.ts')).rollBack(id, options));
  const decisions = [
    ['cancel', 'End one; what it had switched goes back'],
    ['approve', 'Approve one that waits for it'],
    ['promote', 'Let a canary go on to the servers that are left'],
    ['abort', 'Give a canary up: its first server goes back'],
  ] as const;
  for (const [decision, description] of decisions) {
    remote(deployments, decision, description)
      .argument('<id>')
      .action(async (id, options) => (await shared()).decide(decision, id, options));
  }
}

function runCommands(program: Command): void {
  const shared = () => import('./run.ts');
  remote(program, 'run', 'Run a script')
    .argument('<script>', 'id or slug')
    .option('--param <NAME=VALUE>', 'a parameter, NAME=- for standard input; may be repeated', gather)
    .option('--follow', FOLLOW)
    .option('--wait', WAIT)
    .action(async (script, options) => (await shared()).run(script, options));
  const runs = program.command('runs').description('Runs of scripts');
  remote(runs, 'list', 'List those of a script, newest first')
    .argument('<script>', 'id or slug')
    .option('--status <status>', STATUS)
    .option('--limit <count>', AT_MOST, '50')
    .action(async (script, options) => (await shared()).listRuns(script, options));
  remote(runs, 'show', 'Show one')
    .argument('<id>')
    .action(async (id, options) => (await shared()).showRun(id, options));
  remote(runs, 'cancel', 'End one with all its processes')
    .argument('<id>')
    .action(async (id, options) => (await shared()).cancelRun(id, options));
}

function backupCommands(program: Command): void {
  const backups = program.command('backups').description('Backups of apps');
  const shared = () => import('./backups.ts');
  remote(backups, 'list', 'List those of an app, newest first')
    .argument('<app>', 'id or slug')
    .option('--status <status>', STATUS)
    .option('--limit <count>', AT_MOST, '50')
    .action(async (app, options) => (await shared()).listBackups(app, options));
  remote(backups, 'show', 'Show one, with what came of its last restore')
    .argument('<id>')
    .action(async (id, options) => (await shared()).showBackup(id, options));
  remote(backups, 'create', 'Make one of an app')
    .argument('<app>', 'id or slug')
    .option('--wait', WAIT)
    .action(async (app, options) => (await shared()).createBackup(app, options));
  remote(backups, 'restore', 'Put one in the place of what is there, and end as that does')
    .argument('<id>')
    .option('--detach', 'begin it and do not wait')
    .option('--yes', YES)
    .action(async (id, options) => (await shared()).restoreBackup(id, options));
  remote(backups, 'delete', 'Delete them and what is stored of them')
    .argument('<ids...>')
    .option('--yes', YES)
    .action(async (ids, options) => (await shared()).deleteBackups(ids, options));
}
