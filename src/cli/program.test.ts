import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { createProgram } from './program.ts';

const PAGE = readFileSync(new URL('../../docs/guides/cli.md', import.meta.url), 'utf8');

/** Every command that does something, by its words. */
function commandsOf(parent: CommandUnknownOpts, path: readonly string[] = []): Map<string, CommandUnknownOpts> {
  const found = new Map<string, CommandUnknownOpts>();
  for (const command of parent.commands) {
    const words = [...path, command.name()];
    if (command.commands.length === 0) found.set(words.join(' '), command);
    for (const [name, one] of commandsOf(command, words)) found.set(name, one);
  }
  return found;
}

const commands = commandsOf(createProgram());
/** What the page shows being typed: the command that is meant, and the options behind it. */
const shown = [...PAGE.matchAll(/^(?:.*\| )?devpilot ([a-z].*?)(?: {2,}#.*)?$/gm)].map(([, line = '']) => {
  const words = (line.split(' -- ')[0] ?? '').split(' ');
  const name =
    [3, 2].map((count) => words.slice(0, count).join(' ')).find((one) => commands.has(one)) ?? words[0] ?? '';
  return { line, name, options: line.match(/(?<= )--[a-z-]+/g) ?? [] };
});

describe('docs/guides/cli.md', () => {
  test('shows commands and options that there are', () => {
    assert.ok(shown.length > 40);
    for (const { line, name, options } of shown) {
      const command = commands.get(name);
      assert.ok(command, line);
      const known = command.options.map(({ long }) => long);
      for (const option of options) assert.ok(known.includes(option), `${line}: ${option}`);
    }
  });

  test('leaves out no command for what credentials open', () => {
    const nouns = [
      'env',
      'deploy',
      'deployments',
      'logs',
      'run',
      'runs',
      'scripts',
      'backups',
      'projects',
      'apps',
      'servers',
      'activity',
      'errors',
    ];
    const there = new Set(shown.map(({ name }) => name));
    // One line stands for four that read alike.
    for (const name of ['cancel', 'promote', 'abort']) there.add(`deployments ${name}`);
    for (const name of commands.keys()) {
      if (nouns.includes(name.split(' ')[0] ?? '')) assert.ok(there.has(name), name);
    }
  });
});

test('every command for what credentials open takes the server, and says its answer in JSON or quietly where it has one', () => {
  const silent = new Set(['env run', 'env pull']);
  for (const [name, command] of commands) {
    const options = command.options.map(({ long }) => long);
    if (!options.includes('--url')) continue;
    for (const option of ['--profile', '--workspace']) assert.ok(options.includes(option), `${name} ${option}`);
    for (const option of ['--json', '--quiet']) {
      if (!silent.has(name)) assert.ok(options.includes(option), `${name} ${option}`);
    }
    assert.equal(new Set(options).size, options.length, name);
  }
});
