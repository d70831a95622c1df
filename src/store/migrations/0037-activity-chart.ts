/**
 * On SQLite, a covering index holds what charts read by type and source, apart from the sketches, which make the rows
 * long.
 */
export function activityChart(bytes: 'blob' | 'bytea'): string[] {
  if (bytes === 'bytea') return [];
  return [
    `create index activity_rollup_chart on activity_rollup (workspace_id, grain, dimension, at, key, count, subjects)
      where dimension in ('type', 'source')`,
  ];
}
