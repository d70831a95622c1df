import { type RawBuilder, sql } from 'kysely';
import type { Store } from './store.ts';

export type Column = readonly [name: string, type: 'text' | 'bigint'];

/**
 * Rows as a table that a statement reads from: one parameter however many they are, so that a batch
 * costs the thread that judges next to nothing.
 */
export function inlineTable(
  engine: Store['engine'],
  columns: readonly Column[],
  rows: readonly (readonly unknown[])[],
): RawBuilder<unknown> {
  const json = JSON.stringify(rows);
  if (engine === 'sqlite') {
    const parts = columns.map(([name], index) => sql.raw(`json_extract(value, '$[${index}]') as ${name}`));
    return sql`(select ${sql.join(parts)} from json_each(${json}))`;
  }
  const parts = columns.map(([name, type], index) => sql.raw(`(value ->> ${index})::${type} as ${name}`));
  return sql`(select ${sql.join(parts)} from json_array_elements(${json}::json))`;
}
