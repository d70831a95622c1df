import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { SymbolFlags } from 'typescript/unstable/sync';
import { startCompiler } from '../testing/compiler.ts';
import { forEachEngine } from '../testing/engines.ts';

/** The type of a column in `Schema`, by its type in the database. */
const TYPES: Readonly<Record<string, string>> = {
  text: 'string',
  integer: 'number',
  int4: 'number',
  bigint: 'number',
  int8: 'number',
  blob: 'Uint8Array',
  bytea: 'Uint8Array',
};

const compiler = startCompiler();
after(() => compiler.close());

/** The columns of `Schema` as the compiler prints them: `person.operator: Generated<number>`. */
function declaredColumns(): string[] {
  const { program, checker } = compiler.project('server');
  const schema = checker.resolveName('Schema', SymbolFlags.Interface, program.getSourceFile('src/store/schema.ts'));
  assert.ok(schema);
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(schema)).flatMap((table) => {
    const row = checker.getTypeOfSymbol(table);
    assert.ok(row);
    return checker.getPropertiesOfType(row).map((column) => {
      const type = checker.getTypeOfSymbol(column);
      assert.ok(type);
      return `${table.name}.${column.name}: ${checker.typeToString(type).replace(/<ArrayBuffer\w*>/, '')}`;
    });
  });
}

forEachEngine('the schema', (engine) => {
  test('has the columns that the migrations create, with their types', async () => {
    const store = await engine.open();
    const tables = await store.read.introspection.getTables();
    await store.close();
    const columns = tables.flatMap(({ name: table, columns }) => columns.map((column) => ({ table, ...column })));
    const created = columns.map(({ table, name, dataType, isNullable }) => {
      // SQLite reports primary keys as nullable.
      const orNull = isNullable && engine.name === 'postgres' ? ' | null' : '';
      return `${table}.${name}: ${TYPES[dataType.toLowerCase()] ?? dataType}${orNull}`;
    });
    const hasDefault = new Set(
      columns.flatMap(({ table, name, ...column }) => (column.hasDefaultValue ? `${table}.${name}` : [])),
    );
    const declared = declaredColumns().map((column) => {
      const [name = ''] = column.split(':');
      // Only a column with a default can be `Generated`, because an insert can omit such a column.
      const withoutGenerated = hasDefault.has(name) ? column.replace(/Generated<(.*)>/, '$1') : column;
      return engine.name === 'postgres' ? withoutGenerated : withoutGenerated.replace(' | null', '');
    });
    assert.deepEqual(
      {
        notDeclared: created.filter((column) => !declared.includes(column)),
        notCreated: declared.filter((column) => !created.includes(column)),
      },
      { notDeclared: [], notCreated: [] },
    );
  });
});
