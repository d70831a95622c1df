/** One row per subject whose failures are counted. Counting locks the row, so that a limit is never exceeded. */
export function failureGate(): string[] {
  return [
    'create table failure_gate (subject text primary key, at bigint not null)',
    'create index failure_gate_at on failure_gate (at)',
  ];
}
