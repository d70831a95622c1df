import { sql } from 'kysely';
import { rowsFrom } from './rows-from.ts';
import type { Queryable, Trx } from './store.ts';

/**
 * Sequence numbers of a span of events. The embedded store's key of events begins with the span, so
 * each is looked for in the spans that may hold it. A migration has the same number.
 */
export const ACTIVITY_SPAN = 16_384;

export const spanOf = (sequence: number): number => Math.floor(sequence / ACTIVITY_SPAN);

/** As the index says it, with the number itself: one that is bound would not be seen to be the same. */
const SPAN = sql.raw(`sequence / ${ACTIVITY_SPAN}`);
const KEPT_SPAN = sql.raw(`kept.sequence / ${ACTIVITY_SPAN}`);
const KEYS_AT_ONCE = 2_000;
const SPANS_AT_ONCE = 32;

/** The last sequence number that a workspace has taken, 0 where it has taken none. */
export async function lastActivity(db: Queryable, workspaceId: string): Promise<number> {
  const row = await db
    .selectFrom('activity_head')
    .select('sequence')
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirst();
  return row?.sequence ?? 0;
}

/** The full spans of which it is written down what they hold, in their order; `bits` is null where nothing is left. */
export async function* readSpans(
  db: Queryable,
  workspaceId: string,
): AsyncGenerator<{ readonly span: number; readonly bits: Uint8Array | null }> {
  for (let after = -1; ; ) {
    const rows = await db
      .selectFrom('activity_span')
      .select(['span', 'bits'])
      .where('workspace_id', '=', workspaceId)
      .where('span', '>', after)
      .orderBy('span')
      .limit(SPANS_AT_ONCE)
      .execute();
    yield* rows;
    if (rows.length < SPANS_AT_ONCE) return;
    after = rows.at(-1)?.span ?? after;
  }
}

/** The sources and ids of the events in a span. */
export async function* readSpanKeys(
  db: Queryable,
  workspaceId: string,
  span: number,
): AsyncGenerator<{ readonly source: string; readonly id: string }> {
  for (let [source, id] = ['', '']; ; ) {
    const { rows } = await sql<{ source: string; id: string }>`
      select source, id from activity_event where workspace_id = ${workspaceId} and ${SPAN} = ${span}
        and (source, id) > (${source}, ${id}) order by source, id limit ${KEYS_AT_ONCE}`.execute(db);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < KEYS_AT_ONCE) return;
    ({ source, id } = last);
  }
}

export async function insertSpan(trx: Trx, workspaceId: string, span: number, bits: Uint8Array | null): Promise<void> {
  await trx.insertInto('activity_span').values({ workspace_id: workspaceId, span, bits }).execute();
}

/** Where an event with this source and id may be, and what its asker calls it. */
export interface Sought {
  readonly name: number;
  readonly span: number;
  readonly source: string;
  readonly id: string;
}

/** Tells which events are where they are sought, by their names. On the embedded store alone. */
export async function findInSpans(trx: Trx, workspaceId: string, sought: readonly Sought[]): Promise<number[]> {
  const columns = [
    ['name', 'bigint'],
    ['span', 'bigint'],
    ['source', 'text'],
    ['id', 'text'],
  ] as const;
  const rows = sought.map((one) => [one.name, one.span, one.source, one.id]);
  const { rows: found } = await sql<{ name: number }>`
    select sought.name from ${rowsFrom('sqlite', columns, rows)} as sought
    cross join activity_event as kept where kept.workspace_id = ${workspaceId}
      and ${KEPT_SPAN} = sought.span
      and kept.source = sought.source and kept.id = sought.id`.execute(trx);
  return found.map(({ name }) => name);
}

/** Forgets what was in spans of which nothing is left; tells how many. On the embedded store alone. */
export async function clearSpans(trx: Trx, workspaceId: string): Promise<number> {
  const noted = await trx
    .selectFrom('activity_span')
    .select('span')
    .where('workspace_id', '=', workspaceId)
    .where('bits', 'is not', null)
    .execute();
  const rows = rowsFrom(
    'sqlite',
    [['span', 'bigint']],
    noted.map(({ span }) => [span]),
  );
  const { rows: empty } = await sql<{ span: number }>`
    select noted.span from ${rows} as noted where not exists (
      select 1 from activity_event as kept where kept.workspace_id = ${workspaceId} and ${KEPT_SPAN} = noted.span)`.execute(
    trx,
  );
  for (const { span } of empty) {
    await trx
      .updateTable('activity_span')
      .set({ bits: null })
      .where('workspace_id', '=', workspaceId)
      .where('span', '=', span)
      .execute();
  }
  return empty.length;
}
