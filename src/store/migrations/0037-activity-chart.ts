/**
 * On SQLite, a covering index contains the columns that charts by type and source read, without the sketches, which
 * make the rows long.
 */
export function activityChart(bytes: 'blob' | 'bytea'): string[] {
  if (bytes === 'bytea') return [];
  return [
    `create index activity_rollup_chart on activity_rollup (workspace_id, grain, dimension, at, key, count, subjects)
      where dimension in ('type', 'source')`,
  ];
}
