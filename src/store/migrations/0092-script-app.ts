/**
 * The app that a script belongs to, if any. When the app is deleted, the script remains without an app and is no longer
 * visible to restricted credentials.
 */
export function scriptApp(): string[] {
  return [
    'alter table script add column app_id text references app (id) on delete set null',
    'create index script_app on script (app_id)',
  ];
}
