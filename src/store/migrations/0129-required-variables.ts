/** The names of the variables without which an app is not deployed, as a JSON array. */
export function requiredVariables(): string[] {
  return ["alter table app add column required_variables text not null default '[]'"];
}
