/** Jobs with their lanes, and the logs of deployments and runs. */
export function jobs(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table job (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      kind text not null,
      resource_id text not null,
      payload text not null,
      status text not null check (status in ('waiting', 'running', 'completed', 'failed', 'cancelled')),
      run_at bigint not null,
      created_at bigint not null,
      started_at bigint,
      finished_at bigint,
      time_limit bigint,
      attempt bigint not null,
      failures bigint not null,
      retries bigint not null,
      retry_after bigint not null,
      losses bigint not null,
      owner text,
      lease_until bigint,
      cancel text,
      error text
    )`,
    "create index job_due on job (run_at) where status = 'waiting'",
    "create index job_running on job (lease_until) where status = 'running'",
    'create index job_resource on job (workspace_id, resource_id)',
    'create index job_finished on job (finished_at)',
    `create table job_lane (
      job_id text not null references job (id) on delete cascade,
      workspace_id text not null,
      lane text not null,
      capacity bigint not null,
      created_at bigint not null,
      held bigint not null,
      primary key (job_id, lane)
    )`,
    'create index job_lane_lane on job_lane (lane, held, created_at)',
    'create table job_gate (id bigint primary key)',
    'insert into job_gate (id) values (1)',
    `create table log (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      lines bigint not null,
      size bigint not null,
      created_at bigint not null,
      closed_at bigint
    )`,
    'create index log_closed on log (closed_at)',
    `create table log_chunk (
      log_id text not null references log (id) on delete cascade,
      workspace_id text not null,
      first_line bigint not null,
      lines bigint not null,
      data ${bytes} not null,
      primary key (log_id, first_line)
    )`,
  ];
}
