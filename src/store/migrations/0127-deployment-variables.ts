/** The names of the variables of a deployment, as a JSON array; null for earlier deployments. */
export function deploymentVariables(): string[] {
  return ['alter table deployment add column variables text'];
}
