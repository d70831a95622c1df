import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startCompiler } from './testing/compiler.ts';

const VOCABULARY = 'src/contract/vocabulary.ts';
const EVENT_NAMES = 'src/contract/event-names.ts';
const PAGE_ROUTES = 'src/contract/page-routes.ts';

/** An incomplete addition, and the error that the compiler must report for it. */
interface Omission {
  readonly name: string;
  readonly file: string;
  /** A text in the file, and its replacement. */
  readonly replace: readonly [string, string];
  /** The file with the compiler error; by default, `file`. */
  readonly errorIn?: string;
  readonly error: RegExp;
}

/** Returns the omissions for a right, `planted`, that was added only to the list in the vocabulary, after `last`. */
function omissionsForRight(noun: 'scope' | 'permission', last: string): Omission[] {
  const replace = [`  '${last}',\n`, `  '${last}',\n  'planted',\n`] as const;
  const incompleteFiles = [
    ['without a description', VOCABULARY],
    ['in no group of the form', 'src/web/credentials/kinds.ts'],
    ['without a phrase in the summary', 'src/web/credentials/summary.ts'],
  ] as const;
  return incompleteFiles.map(([omission, errorIn]) => ({
    name: `a ${noun} ${omission}`,
    file: VOCABULARY,
    replace,
    errorIn,
    error: /'planted' is missing/,
  }));
}

const OMISSIONS: readonly Omission[] = [
  ...omissionsForRight('scope', 'run_scripts'),
  ...omissionsForRight('permission', 'view_logs'),
  {
    name: 'an audit action without a sentence',
    file: EVENT_NAMES,
    replace: ["  'workload_identity.denied',\n", "  'workload_identity.denied',\n  'planted.created',\n"],
    errorIn: 'src/web/activity-log/sentence.ts',
    error: /'"planted\.created"' is missing/,
  },
  {
    name: 'an audit action without its webhook event',
    file: EVENT_NAMES,
    replace: ["  'workload_identity.denied',\n", "  'workload_identity.denied',\n  'planted.created',\n"],
    errorIn: 'src/contract/webhook-events.ts',
    error: /'"planted\.created"' is missing/,
  },
  {
    name: 'a resource without a table',
    file: 'src/store/resources.ts',
    replace: ["'script'>", "'script' | 'planted'>"],
    error: /"planted"/,
  },
  {
    name: 'a table that copies and backups leave out',
    file: 'src/store/schema.ts',
    replace: [
      '  stored_object: StoredObjectTable;\n',
      '  stored_object: StoredObjectTable;\n  planted: { id: string };\n',
    ],
    errorIn: 'src/store/tables.ts',
    error: /'planted' is missing/,
  },
  {
    name: 'a setting without a description for the documentation',
    file: 'src/server/settings-table.ts',
    replace: ["    description: 'Port to listen on.',\n", ''],
    error: /'description' is missing/,
  },
  {
    name: 'a command that reads an undeclared option, in the file that declares its options',
    file: 'src/cli/resource-commands.ts',
    replace: ['const { project, server } = options;', 'const { project, planted: server } = options;'],
    error: /'planted' does not exist/,
  },
  {
    name: 'a command that reads an undeclared option, in a file other than the one that declares its options',
    file: 'src/cli/deploy.ts',
    replace: ['  readonly batchSize: string', '  readonly planted: string'],
    errorIn: 'src/cli/operation-commands.ts',
    error: /'planted' is missing/,
  },
  {
    name: 'a page that the server does not serve',
    file: PAGE_ROUTES,
    replace: ["  '/runs/$id',\n", ''],
    errorIn: 'src/web/router.tsx',
    error: /"\/runs\/\$id"/,
  },
  {
    name: 'a path that the server serves without a page',
    file: PAGE_ROUTES,
    replace: ["  '/runs/$id',\n", "  '/runs/$id',\n  '/planted',\n"],
    errorIn: 'src/web/router.tsx',
    error: /'"\/planted"' is missing/,
  },
];

describe('The compiler refuses', () => {
  const compiler = startCompiler();
  after(() => compiler.close());
  for (const { name, file, replace, errorIn = file, error } of OMISSIONS) {
    test(name, () => {
      assert.deepEqual(compiler.errorsIn(errorIn), [], 'without the omission');
      compiler.replace(file, ...replace);
      try {
        assert.match(compiler.errorsIn(errorIn).join('\n'), error);
      } finally {
        compiler.restore();
      }
    });
  }
});
