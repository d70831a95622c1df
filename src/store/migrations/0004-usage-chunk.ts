/** Reported uses, one row per chunk, until they are added to the credentials. */
export function usageChunk(): string[] {
  return [
    `create table usage_chunk (
      node_id text not null,
      number bigint not null,
      size bigint not null,
      uses text not null,
      primary key (node_id, number)
    )`,
  ];
}
