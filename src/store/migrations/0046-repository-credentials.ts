/**
 * Stores the credentials of an app's repository separately from its URL. Credentials in existing URLs are encrypted at
 * the next start, because SQL has no access to the secret.
 */
export function repositoryCredentials(): string[] {
  return [
    'alter table app add column repository_user text',
    'alter table app add column repository_password_sealed text',
  ];
}
