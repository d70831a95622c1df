import { type RawBuilder, sql } from 'kysely';
import type { Store } from './store.ts';

export type Column = readonly [name: string, type: 'text' | 'bigint'];

/**
 * Returns rows as a derived table for a statement. Any number of rows is one JSON parameter, so building a large batch
 * costs the event loop almost nothing. `bench/activity.ts` measures the effect (events stored per second). If there
 * were no effect, one parameter per value would be simpler.
 */
export function inlineTable(
  engine: Store['engine'],
  columns: readonly Column[],
  rows: readonly (readonly unknown[])[],
): RawBuilder<unknown> {
  const json = JSON.stringify(rows);
  if (engine === 'sqlite') {
    const columnExpressions = columns.map(([name], index) => sql.raw(`json_extract(value, '$[${index}]') as ${name}`));
    return sql`(select ${sql.join(columnExpressions)} from json_each(${json}))`;
  }
  const columnExpressions = columns.map(([name, type], index) => sql.raw(`(value ->> ${index})::${type} as ${name}`));
  return sql`(select ${sql.join(columnExpressions)} from json_array_elements(${json}::json))`;
}
