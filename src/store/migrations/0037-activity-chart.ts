/** On SQLite what charts read by type and source lies apart from the sketches, which make its rows long. */
export function activityChart(bytes: 'blob' | 'bytea'): string[] {
  if (bytes === 'bytea') return [];
  return [
    `create index activity_rollup_chart on activity_rollup (workspace_id, grain, dimension, at, key, count, subjects)
      where dimension in ('type', 'source')`,
  ];
}
