import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { createProgram } from './program.ts';

const PAGE = readFileSync(new URL('../../docs/guides/cli.md', import.meta.url), 'utf8');

/** Returns every command without subcommands, by its full name. */
function commandsOf(parent: CommandUnknownOpts, path: readonly string[] = []): Map<string, CommandUnknownOpts> {
  const commandsByName = new Map<string, CommandUnknownOpts>();
  for (const command of parent.commands) {
    const words = [...path, command.name()];
    if (command.commands.length === 0) commandsByName.set(words.join(' '), command);
    for (const [name, subcommand] of commandsOf(command, words)) commandsByName.set(name, subcommand);
  }
  return commandsByName;
}

const commands = commandsOf(createProgram());
/** The commands in the page's examples, with their options. */
const examples = [...PAGE.matchAll(/^(?:.*\| )?devpilot ([a-z].*?)(?: {2,}#.*)?$/gm)].map(([, line = '']) => {
  const words = (line.split(' -- ')[0] ?? '').split(' ');
  const name =
    [3, 2].map((count) => words.slice(0, count).join(' ')).find((path) => commands.has(path)) ?? words[0] ?? '';
  return { line, name, options: line.match(/(?<= )--[a-z-]+/g) ?? [] };
});

/** First words of commands that concern neither credentials nor resources, and therefore need no example. */
const WITHOUT_EXAMPLES = ['login', 'logout', 'whoami', 'doctor', 'workspaces', 'members', 'audit'];

describe('docs/guides/cli.md', () => {
  test('contains only existing commands and options', () => {
    assert.ok(examples.length > 40);
    for (const { line, name, options } of examples) {
      const command = commands.get(name);
      assert.ok(command, line);
      const declaredOptions = command.options.map(({ long }) => long);
      for (const option of options) assert.ok(declaredOptions.includes(option), `${line}: ${option}`);
    }
  });

  test('has an example of every command for credentials and resources', () => {
    const documented = new Set(examples.map(({ name }) => name));
    // One example covers these four commands.
    for (const name of ['cancel', 'promote', 'abort']) documented.add(`deployments ${name}`);
    for (const [name, command] of commands) {
      if (!command.options.some(({ long }) => long === '--url')) continue;
      if (!WITHOUT_EXAMPLES.includes(name.split(' ')[0] ?? '')) assert.ok(documented.has(name), name);
    }
  });
});

test('commands that call a server have the server options, and --json and --quiet unless they have their own format', () => {
  const withOwnFormat = new Set(['api', 'env run', 'env pull']);
  for (const [name, command] of commands) {
    const options = command.options.map(({ long }) => long);
    if (!options.includes('--url')) continue;
    for (const option of ['--profile', '--workspace']) assert.ok(options.includes(option), `${name} ${option}`);
    for (const option of ['--json', '--quiet']) {
      if (!withOwnFormat.has(name)) assert.ok(options.includes(option), `${name} ${option}`);
    }
    assert.equal(new Set(options).size, options.length, name);
  }
});
