/**
 * A single row about the installation: its identity, and a value sealed with its secret. `starts` is how many times
 * the embedded store has been opened. `clean` is 1 while the store is closed and its file is complete.
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
