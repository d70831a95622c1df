import type { Command } from 'commander';

/** What declarations of commands share. */
export const YES_HELP = 'skip the confirmation; required without a terminal';
export const LIMIT_HELP = 'maximum number of results';

/** A command that talks to a server, whose answer is not an object of the API. */
export function remoteCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--url <url>', 'URL of the server')
    .option('--profile <name>', 'profile to use')
    .option('--workspace <workspace>', 'ID or slug of the workspace');
}

/** A command that talks to a server. */
export function apiCommand(parent: Command, name: string, description: string): Command {
  return remoteCommand(parent, name, description)
    .option('--json', 'output JSON with the fields of the API')
    .option('--quiet', 'print only the result');
}

/** A value that may be given several times. */
export const collectValues = (text: string, before: readonly string[] = []) => [...before, text];
