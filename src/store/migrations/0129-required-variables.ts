/** The variables without which an app is not deployed; a JSON array of names. */
export function requiredVariables(): string[] {
  return ["alter table app add column required_variables text not null default '[]'"];
}
