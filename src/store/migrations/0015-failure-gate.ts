/** One row for each of whom failures are counted: whoever counts holds it, so that a limit is never passed. */
export function failureGate(): string[] {
  return [
    'create table failure_gate (subject text primary key, at bigint not null)',
    'create index failure_gate_at on failure_gate (at)',
  ];
}
