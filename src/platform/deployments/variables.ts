import type { DeploymentVariables } from '../../contract/deployments.ts';
import { findDeployment, findPreviousRelease } from '../../store/deployments.ts';
import { listNamesSetBetween } from '../../store/environment.ts';
import { findResource } from '../../store/resources.ts';
import type { PlatformContext } from '../context.ts';
import { deploymentNotFound } from './serialize.ts';

/**
 * Returns the names of a deployment's variables, and the names that were added, removed or set since the previous
 * release. Throws `not_found`.
 */
export async function compareVariables(
  context: PlatformContext,
  workspaceId: string,
  id: string,
): Promise<DeploymentVariables> {
  const { read } = context.store;
  const row = await findDeployment(read, workspaceId, id);
  if (row === undefined) throw deploymentNotFound();
  const names = row.variables === null ? null : (JSON.parse(row.variables) as string[]);
  const previous = await findPreviousRelease(read, row);
  if (names === null || previous === undefined || previous.variables === null) {
    return { comparedWith: null, names, added: [], removed: [], changed: [] };
  }
  const previousNames = JSON.parse(previous.variables) as string[];
  const app = await findResource(read, 'app', workspaceId, row.app_id);
  const owners = [
    { kind: 'app', id: row.app_id, workspaceId } as const,
    ...(app === undefined ? [] : [{ kind: 'project', id: app.project_id, workspaceId } as const]),
  ];
  const after = previous.started_at ?? 0;
  const until = row.started_at ?? 0;
  const setNamesByOwner = await Promise.all(owners.map((owner) => listNamesSetBetween(read, owner, after, until)));
  const previousNameSet = new Set(previousNames);
  const nameSet = new Set(names);
  return {
    comparedWith: previous.id,
    names,
    added: names.filter((name) => !previousNameSet.has(name)),
    removed: previousNames.filter((name) => !nameSet.has(name)),
    changed: names.filter(
      (name) => previousNameSet.has(name) && setNamesByOwner.some((setNames) => setNames.has(name)),
    ),
  };
}
