/**
 * Scripts, their versions and their runs. A run outlives its script, so its reference to the script is no foreign key.
 * `next_run_at` is when the schedule is due; the node that advances it starts the run.
 */
export function scripts(): string[] {
  const actor = `actor_kind text not null,
      actor_id text,
      actor_name text`;
  return [
    `create table script (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      name text not null,
      name_key text not null,
      slug text not null,
      created_at bigint not null,
      updated_at bigint not null,
      description text,
      version bigint not null,
      body text not null,
      interpreter text not null,
      server_id text not null references server (id),
      run_as text,
      timeout_seconds bigint not null,
      parameters text not null,
      schedule text,
      next_run_at bigint,
      unique (workspace_id, slug)
    )`,
    'create index script_created_at on script (workspace_id, created_at, id)',
    'create index script_name on script (workspace_id, name_key, id)',
    'create index script_server on script (server_id)',
    'create index script_due on script (next_run_at)',
    `create table script_version (
      script_id text not null references script (id) on delete cascade,
      workspace_id text not null references workspace (id) on delete cascade,
      number bigint not null,
      at bigint not null,
      ${actor},
      body text not null,
      interpreter text not null,
      server_id text not null,
      run_as text,
      timeout_seconds bigint not null,
      parameters text not null,
      primary key (script_id, number)
    )`,
    `create table run (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      script_id text not null,
      script_version bigint not null,
      status text not null,
      exit_code bigint,
      error text,
      parameters text not null,
      ${actor},
      scheduled_for bigint,
      created_at bigint not null,
      updated_at bigint not null,
      started_at bigint,
      finished_at bigint,
      unique (script_id, scheduled_for)
    )`,
    'create index run_script on run (workspace_id, script_id, created_at, id)',
    'create index run_finished on run (finished_at)',
  ];
}
