import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { BadSetting } from '../settings.ts';
import { DirectoryInUse } from '../store/data-directory.ts';
import { auditVerify } from './audit-verify.ts';
import { init } from './init.ts';
import { migrate } from './migrate.ts';
import { serve } from './serve.ts';

/** What went wrong, in one line on standard error, and the exit code that belongs to it. */
function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`devpilot: ${message}\n`);
  process.exitCode = error instanceof BadSetting ? 2 : 1;
  if (!(error instanceof BadSetting || error instanceof DirectoryInUse) && process.env['LOG_LEVEL'] === 'debug') {
    process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
  }
}

const program = new Command('devpilot')
  .description('Access tokens and API keys for pipelines and services, taken back in an instant.')
  .version(packageJson.version);

program.command('serve').description('Serve the API and the page; settings come from the environment').action(serve);

program
  .command('init')
  .description('Make the first owner and workspace without a browser')
  .requiredOption('--email <email>', "the owner's email address")
  .requiredOption('--name <name>', "the owner's name")
  .requiredOption('--workspace <workspace>', "the workspace's name")
  .requiredOption('--password-stdin', 'read the password from standard input')
  .option('--json', 'answer in JSON')
  .action(init);

program.command('migrate').description('Bring the tables up to date; several nodes may do so at once').action(migrate);

program
  .command('audit')
  .description('The activity log')
  .command('verify')
  .description('Check that no entry was removed or changed')
  .option('--json', 'answer in JSON, a line a log')
  .action(auditVerify);

// What this process writes is for its own user alone.
process.umask(0o077);
await program.parseAsync().catch(fail);
