import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ensureCommand, ensurePythonDotenv, isCommandInstalled } from '../testing/debian-packages.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { trickyText } from '../testing/tricky-text.ts';
import { writeEnvFile } from './env-formats.ts';
import type { EnvFileFormat } from './platform-vocabulary.ts';

const directory = temporaryDirectory();

const samples = fc
  .sample(trickyText, 1_500)
  .concat(
    [
      '\\',
      "it's \\",
      '\\\\',
      "'\\'",
      `$\{HOME}`,
      `$\{A:-b}`,
      '$HOME',
      '${',
      `$\{:-$}{`,
      ' lead',
      'trail ',
      '"',
      '\'"`',
      'a#b',
      'a #b',
    ],
    [
      "it's\ntwo",
      '\n',
      '\r',
      'a\rb',
      'x\r',
      '!x',
      '~',
      '*',
      '%s',
      '\u0085',
      '\uFEFFx',
      '1'.repeat(65_000),
      '=',
      '==',
      '=ls',
      'export A=1',
    ],
  )
  .filter((value) => !value.includes('\0') && value !== '');

/**
 * Writes a file of the included samples that a format can represent. Returns its path, and the written values by name.
 */
function writeSampleFile(format: EnvFileFormat, isIncluded: (value: string) => boolean = () => true) {
  const supported = samples.flatMap((value, index) => {
    const variable = [`V${index}`, value] as const;
    return isIncluded(value) && writeEnvFile(format, [variable]).ok ? [variable] : [];
  });
  assert.ok(supported.length > samples.length / 4, `${supported.length} of ${samples.length} values`);
  const file = writeEnvFile(format, supported);
  assert.ok(file.ok);
  const path = join(directory, `${format}.env`);
  writeFileSync(path, file.text);
  return { path, values: Object.fromEntries(supported) };
}

function assertSame(
  actual: Readonly<Record<string, string | undefined>>,
  expected: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(expected)) assert.equal(actual[name], value, JSON.stringify(value));
}
const ENVIRONMENT = { PATH: process.env['PATH'] ?? '', HOME: '/', LC_ALL: 'C.UTF-8' };
const PRINT_JSON = `const { PATH, HOME, LC_ALL, ...rest } = process.env; console.log(JSON.stringify(rest))`;
const run = (file: string, args: readonly string[], env: Readonly<Record<string, string>> = ENVIRONMENT) =>
  execFileSync(file, args, { env, maxBuffer: 64 * 1_048_576, encoding: 'utf8' });

test('node --env-file reads back every value that the format for Node can represent', () => {
  const { path, values } = writeSampleFile('node');
  assertSame(JSON.parse(run(process.execPath, [`--env-file=${path}`, '-e', PRINT_JSON])), values);
});

test('python-dotenv reads back every value', () => {
  ensurePythonDotenv();
  const { path, values } = writeSampleFile('python');
  assert.equal(Object.keys(values).length, samples.length);
  const script = 'import json, sys, dotenv; print(json.dumps(dict(dotenv.dotenv_values(sys.argv[1]))))';
  assertSame(JSON.parse(run('/usr/bin/python3', ['-c', script, path])), values);
});

for (const shell of ['dash', 'bash', 'zsh', 'sh']) {
  test(`${shell} reads back every value from a sourced file (set -a) and executes none`, () => {
    ensureCommand(shell);
    const { path, values } = writeSampleFile('shell');
    assert.equal(Object.keys(values).length, samples.length);
    const output = run(shell, ['-c', `set -a; . ${path}; exec ${process.execPath} -e '${PRINT_JSON}'`]);
    assertSame(JSON.parse(output), values);
  });
}

const SYSTEMD_READER = '/lib/systemd/user-environment-generators/30-systemd-environment-d-generator';

/** Undoes the quoting of the generator's output. */
const unquoteOutput = (text: string): string =>
  text
    .replace(/^"|"$/g, '')
    .replace(/\\([abfnrtv"\\$`])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? letter);

// systemd's service manager does not run in a container. The generator for environment.d has the same parser, but
// expands $.
test("systemd's parser reads back every value without $ that its format can represent", () => {
  ensureCommand('systemd-analyze', 'systemd');
  const { path, values } = writeSampleFile('systemd', (value) => !value.includes('$'));
  const folder = join(directory, 'config/environment.d');
  mkdirSync(folder, { recursive: true });
  copyFileSync(path, join(folder, 'values.conf'));
  const output = run(SYSTEMD_READER, [], { ...ENVIRONMENT, XDG_CONFIG_HOME: join(directory, 'config') });
  const lines = output.split('\n').map((line) => /^(V\d+)=(.*)$/s.exec(line) ?? []);
  assertSame(Object.fromEntries(lines.map(([, name, value]) => [name, unquoteOutput(value ?? '')])), values);
});

const hasDocker = isCommandInstalled('docker');
test('docker --env-file reads back every value that its format can represent', {
  skip: !hasDocker && 'docker is not installed',
}, async () => {
  const { path, values } = writeSampleFile('docker');
  let received = '';
  const daemon = createServer((request, response) => {
    if (request.url?.endsWith('/containers/create') !== true) {
      response.writeHead(200, { 'api-version': '1.43', ostype: 'linux' }).end('OK');
      return;
    }
    request.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    request.on('end', () =>
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"Id":"1","Warnings":[]}'),
    );
  });
  const socket = join(directory, 'docker.sock');
  await new Promise<void>((resolve) => daemon.listen(socket, resolve));
  try {
    const docker = spawn('docker', ['create', '--env-file', path, 'image'], {
      env: { ...ENVIRONMENT, DOCKER_HOST: `unix://${socket}` },
    });
    let problem = '';
    docker.stderr.setEncoding('utf8').on('data', (chunk: string) => (problem += chunk));
    const code = await new Promise((resolve) => docker.on('close', resolve));
    assert.equal(code, 0, problem);
  } finally {
    daemon.close();
  }
  const { Env: variables } = JSON.parse(received) as { Env: string[] };
  assertSame(
    Object.fromEntries(
      variables.map((variable) => [
        variable.slice(0, variable.indexOf('=')),
        variable.slice(variable.indexOf('=') + 1),
      ]),
    ),
    values,
  );
});

test('a value that a reader could not read back is refused, naming the variable and the reason', () => {
  const cases: readonly [format: EnvFileFormat, value: string, reason: string][] = [
    ['docker', 'one\ntwo', 'has a line break'],
    ['docker', 'x\r', 'ends with a carriage return'],
    ['docker', 'x'.repeat(65_536), 'makes its line longer than 65535 bytes'],
    ['systemd', 'a\rb', 'has a control character'],
    ['systemd', '\x1b[0m', 'has a control character'],
    ['systemd', '\uffff', 'has a Unicode noncharacter'],
    ['node', 'a\rb', 'has a carriage return'],
    ['node', '\'"` #', 'has a combination of quotes that Node.js cannot read'],
    ['node', "'`\\n #", 'has a combination of quotes that Node.js cannot read'],
  ];
  for (const [format, value, reason] of cases) {
    assert.deepEqual(
      writeEnvFile(format, [
        ['FINE', 'x'],
        ['WRONG', value],
      ]),
      { ok: false, name: 'WRONG', reason },
    );
  }
});

test('Node.js, python-dotenv and sh agree on a dotenv file whose values contain no backslash, carriage return or ${, and no single quote together with a double quote, $ or a backtick', () => {
  const isCommon = (value: string) => !/[\\\r]|\$\{/.test(value) && (!value.includes("'") || !/["$`]/.test(value));
  const { path, values } = writeSampleFile('dotenv', isCommon);
  assertSame(JSON.parse(run(process.execPath, [`--env-file=${path}`, '-e', PRINT_JSON])), values);
  const script = 'import json, sys, dotenv; print(json.dumps(dict(dotenv.dotenv_values(sys.argv[1]))))';
  assertSame(JSON.parse(run('/usr/bin/python3', ['-c', script, path])), values);
  assertSame(JSON.parse(run('sh', ['-c', `set -a; . ${path}; exec ${process.execPath} -e '${PRINT_JSON}'`])), values);
});
