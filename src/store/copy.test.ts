import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachEngine } from '../testing/engines.ts';
import { listTables } from './migrate.ts';
import { SEALED } from './sealed.ts';

forEachEngine('what is copied', (engine) => {
  test('is every table there is, and what is sealed anew every column that says that it is sealed', async () => {
    const store = await engine.open();
    const tables = await store.read.introspection.getTables();
    assert.deepEqual(
      tables.map(({ name }) => name).sort(),
      listTables()
        .map(({ name }) => name)
        .sort(),
    );
    const sealed = tables.flatMap(({ name, columns }) =>
      columns.filter((column) => column.name.endsWith('_sealed')).map((column) => `${name}.${column.name}`),
    );
    assert.deepEqual(sealed.sort(), SEALED.map(({ table, column }) => `${table}.${column}`).sort());
    await store.close();
  });
});
