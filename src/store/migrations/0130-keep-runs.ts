/** How many finished runs of a script are kept. */
export function keepRuns(): string[] {
  return ['alter table script add column keep_runs bigint not null default 1000'];
}
