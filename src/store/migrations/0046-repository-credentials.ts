/**
 * The credentials of an app's repository, apart from its address. Those in addresses are sealed at the next start, since
 * SQL knows no secret.
 */
export function repositoryCredentials(): string[] {
  return [
    'alter table app add column repository_user text',
    'alter table app add column repository_password_sealed text',
  ];
}
