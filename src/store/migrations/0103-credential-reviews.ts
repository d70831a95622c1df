/**
 * The last decision to keep each reviewed credential, with the reasons for the review that applied: one bit per reason.
 */
export function credentialReviews(): string[] {
  return [
    `create table credential_review (
      credential_id text primary key references credential (id) on delete cascade,
      workspace_id text not null,
      reviewed_at bigint not null,
      kept_until bigint not null,
      reasons bigint not null,
      reviewed_by text,
      reviewed_by_name text,
      note text
    )`,
  ];
}
