import type { Command } from 'commander';

/** What declarations of commands share. */
export const YES_HELP = 'do not ask; needed without a terminal';
export const LIMIT_HELP = 'at most so many';

/** A command that talks to a server, whose answer is not an object of the API. */
export function remoteCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--url <url>', 'the server')
    .option('--profile <name>', 'which of the servers signed in to')
    .option('--workspace <workspace>', 'id or slug of the workspace');
}

/** A command that talks to a server. */
export function apiCommand(parent: Command, name: string, description: string): Command {
  return remoteCommand(parent, name, description)
    .option('--json', 'answer in JSON, with the fields of the API')
    .option('--quiet', 'nothing but the answer itself');
}

/** A value that may be given several times. */
export const collectValues = (text: string, before: readonly string[] = []) => [...before, text];
