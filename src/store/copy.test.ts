import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { forEachEngine } from '../testing/engines.ts';
import { SEALED_COLUMNS } from './sealed-columns.ts';
import { listTables } from './tables.ts';

forEachEngine('copied tables', (engine) => {
  test('every table is listed after the tables that it refers to, and every column named *_sealed is listed as sealed', async () => {
    const store = await engine.open();
    const tables = await store.read.introspection.getTables();
    assert.deepEqual(
      tables.map(({ name }) => name).sort(),
      listTables()
        .map(({ name }) => name)
        .sort(),
    );
    if (engine.name === 'sqlite') {
      const { rows } = await sql<{ name: string; refersTo: string }>`
        select m.name as name, k."table" as "refersTo" from sqlite_master as m, pragma_foreign_key_list(m.name) as k
        where m.type = 'table'`.execute(store.read);
      const position = (table: string) => listTables().findIndex(({ name }) => name === table);
      const unordered = rows.filter(({ name, refersTo }) => name !== refersTo && position(refersTo) >= position(name));
      assert.deepEqual(unordered, [], 'tables listed before a table that they refer to');
    }
    const sealed = tables.flatMap(({ name, columns }) =>
      columns.filter((column) => column.name.endsWith('_sealed')).map((column) => `${name}.${column.name}`),
    );
    assert.deepEqual(sealed.sort(), SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort());
    await store.close();
  });
});
