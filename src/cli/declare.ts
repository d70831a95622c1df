import type { Command } from 'commander';

/** What declarations of commands share. */
export const YES = 'do not ask; needed without a terminal';
export const AT_MOST = 'at most so many';

/** A command that talks to a server, whose answer is not an object of the API. */
export function reaching(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--url <url>', 'the server')
    .option('--profile <name>', 'which of the servers signed in to')
    .option('--workspace <workspace>', 'id or slug of the workspace');
}

/** A command that talks to a server. */
export function remote(parent: Command, name: string, description: string): Command {
  return reaching(parent, name, description)
    .option('--json', 'answer in JSON, with the fields of the API')
    .option('--quiet', 'nothing but the answer itself');
}

/** A value that may be given several times. */
export const gather = (text: string, before: readonly string[] = []) => [...before, text];
