/** People who administer the installation, and people who cannot sign in. The earliest person becomes an operator. */
export function operators(): string[] {
  return [
    'alter table person add column operator bigint not null default 0',
    'alter table person add column disabled bigint not null default 0',
    'update person set operator = 1 where id = (select id from person order by created_at, id limit 1)',
  ];
}
