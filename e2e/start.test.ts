import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../src/testing/until.ts';
import { collectResult, openCliShell } from './cli-shell.ts';

const INTERRUPT = '\u0003';
const SETUP_LINK = /One-time setup link: [^\n]*\n/;
const ADDRESS = String.raw`http://127\.0\.0\.1:\d+`;
const OUTPUT = `Devpilot is at ${ADDRESS}\nOne-time setup link: ${ADDRESS}/setup#code=\\w+\n`;

/** Starts a server in a terminal, interrupts it, and returns its output. */
async function startAtTerminal(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const shell = openCliShell({ PORT: '0', ...environment });
  const { stdout } = await shell.typeAtTerminal(['serve'], [[SETUP_LINK, INTERRUPT]]);
  return stdout.replaceAll('\r', '').replaceAll('^C', '');
}

describe('devpilot serve', () => {
  test('prints only the address and the setup link in a terminal', async () => {
    assert.match(await startAtTerminal(), new RegExp(`^${OUTPUT}$`));
  });

  test('prints the log as plain text in a terminal if LOG_LEVEL is set', async () => {
    const output = await startAtTerminal({ LOG_LEVEL: 'info' });
    assert.match(
      output,
      new RegExp(`^info: Server listening at ${ADDRESS}\n${OUTPUT}info: stopping signal="SIGINT"\ninfo: stopped\n$`),
    );
  });

  test('prints the log as JSON if standard output is not a terminal', async () => {
    const shell = openCliShell({ PORT: '0' });
    const server = shell.start(['serve']);
    let output = '';
    server.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const result = collectResult(server);
    await until(async () => SETUP_LINK.test(output) || server.exitCode !== null);
    server.kill('SIGTERM');
    assert.equal((await result).code, 0);
    const messages = output
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line).msg as string] : []));
    assert.match(messages[0] ?? '', /^Server listening at /);
    assert.equal(messages.at(-1), 'stopped');
  });
});
