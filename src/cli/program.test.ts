import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { createProgram } from './program.ts';

const GUIDES = new URL('../../docs/guides/', import.meta.url);
const readGuide = (page: string) => readFileSync(new URL(page, GUIDES), 'utf8');

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

/** Returns the commands in the examples of a guide, with their options. */
function examplesOf(page: string): { line: string; name: string; options: string[] }[] {
  // Without line continuations and the commands inside `$(…)`.
  const text = readGuide(page)
    .replaceAll(/ \\\n */g, ' ')
    .replaceAll(/\$\([^)]*\)/g, '');
  return [...text.matchAll(/^(?:.*\| )?(?:npx )?devpilot ([a-z].*?)(?: {2,}#.*)?$/gm)].map(([, line = '']) => {
    const [ownPart = ''] = line.split(' -- ');
    const words = ownPart.split(' ');
    const name =
      [3, 2].map((count) => words.slice(0, count).join(' ')).find((path) => commands.has(path)) ?? words[0] ?? '';
    return { line, name, options: ownPart.match(/(?<= )--[a-z-]+/g) ?? [] };
  });
}

/** First words of commands that concern neither credentials nor resources, and therefore need no example. */
const WITHOUT_EXAMPLES = ['login', 'logout', 'whoami', 'doctor', 'workspaces', 'members', 'audit'];

describe('the guides', () => {
  for (const page of readdirSync(GUIDES)) {
    test(`${page} contains only existing commands and options`, () => {
      for (const { line, name, options } of examplesOf(page)) {
        const command = commands.get(name);
        assert.ok(command, line);
        const declaredOptions = command.options.map(({ long }) => long);
        for (const option of options) assert.ok(declaredOptions.includes(option), `${line}: ${option}`);
      }
    });
  }

  test('cli.md has an example of every command for credentials and resources', () => {
    const documented = new Set(examplesOf('cli.md').map(({ name }) => name));
    // The example of `deployments approve` also names these commands.
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
