import type { Command } from '@commander-js/extra-typings';

export const YES_HELP = 'skip the confirmation; required without a terminal';
export const DATE_HELP = 'a date (00:00 of that day in the local time zone)';
export const FUTURE_INSTANT_HELP = `a delay such as 30m or 12h, a date-time, or ${DATE_HELP}`;
export const FROM_INSTANT_HELP = `start of the period: a duration before now such as 12h or 7d, a date-time, or ${DATE_HELP}`;
export const TO_INSTANT_HELP =
  'end of the period, in the formats of --from: only earlier times match; a date includes that whole day (local time zone)';
export const LIMIT_HELP = 'maximum number of results';
/** Appended to the help of commands that read the server's settings. */
export const SETTINGS_HELP = `
This command reads the settings of the server from environment variables, such as
DEVPILOT_DATA_DIR, DATABASE_URL and DEVPILOT_SECRET. deploy/devpilot.env lists all of them.`;

/** Declares a command that calls a Devpilot server and has its own output format. */
export function remoteCommand(parent: Command, name: string, description: string, isDefault = false) {
  return parent
    .command(name, { isDefault })
    .description(description)
    .option('--url <url>', 'URL of the Devpilot server')
    .option('--profile <name>', 'profile to use')
    .option('--workspace <workspace>', 'ID or slug of the workspace');
}

/** Declares a command that calls a Devpilot server and prints objects of the API; adds `--json` and `--quiet`. */
export function apiCommand(parent: Command, name: string, description: string, isDefault = false) {
  return remoteCommand(parent, name, description, isDefault)
    .option('--json', 'output JSON with the fields of the API')
    .option('--quiet', 'print no messages, and only the IDs of results or the secret that the command creates');
}

/** Collects the values of an option that can be repeated. */
export const collectValues = (text: string, previous: readonly string[] = []) => [...previous, text];

/**
 * Types the parsed options so that every declared option is present, possibly undefined. Calling a function that reads
 * an undeclared option is then a compile error.
 */
export function declared<Options extends object>(options: Options): DeclaredOptions<Options> {
  return options as DeclaredOptions<Options>;
}

type DeclaredOptions<Options> = {
  readonly [Name in keyof Options]-?: Options[Name] | (object extends Pick<Options, Name> ? undefined : never);
};
