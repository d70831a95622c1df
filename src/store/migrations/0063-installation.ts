/**
 * A single row about the installation: its identity, and a value sealed under its secret. `starts` counts how often an
 * embedded store was opened; `clean` is 1 while no process has it open and its file is complete.
 */
export function installation(): string[] {
  return [
    `create table installation (
      id bigint primary key,
      store_id text not null,
      secret_check text,
      starts bigint not null,
      clean bigint not null
    )`,
  ];
}
