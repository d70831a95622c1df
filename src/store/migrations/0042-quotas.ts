/** Consumption of windowed quotas, and the sender of each issue's first report. */
export function quotas(): string[] {
  return [
    `create table quota_use (
      subject text not null,
      quota text not null,
      period bigint not null,
      used bigint not null,
      primary key (subject, quota)
    )`,
    'alter table error_issue add column sender text',
    "create index job_waiting on job (workspace_id) where status = 'waiting'",
  ];
}
