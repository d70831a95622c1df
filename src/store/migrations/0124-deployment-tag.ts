/** Deployments of a tag. */
export function deploymentTag(): string[] {
  return ['alter table deployment add column tag text'];
}
