/** Uses as they were counted, a chunk a row, until they are folded into the credentials. */
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
