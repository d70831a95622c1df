/**
 * Which notices a member receives by email, and the emails that the mail server has not accepted yet. An email is sent
 * by the node that has its lease, and deleted when the server has accepted it.
 */
export function noticeMail(): string[] {
  return [
    'alter table member add column notifications text',
    `create table notice_mail (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      member_id text not null references member (id) on delete cascade,
      notices text not null,
      created_at bigint not null,
      attempts bigint not null,
      first_attempt_at bigint,
      next_attempt_at bigint not null,
      lease_until bigint
    )`,
    'create index notice_mail_due on notice_mail (next_attempt_at)',
    'create index notice_mail_workspace on notice_mail (workspace_id)',
    'create index notice_mail_member on notice_mail (member_id)',
  ];
}
