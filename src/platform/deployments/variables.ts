import type { DeploymentVariables } from '../../contract/deployments.ts';
import { findDeployment, previousRelease } from '../../store/deployments.ts';
import { namesSetBetween } from '../../store/environment.ts';
import { findResource } from '../../store/resources.ts';
import type { PlatformContext } from '../context.ts';
import { deploymentNotFound } from './serialize.ts';

/** Compares the names of a deployment's variables with those of the release before. Throws `not_found`. */
export async function compareVariables(
  context: PlatformContext,
  workspaceId: string,
  id: string,
): Promise<DeploymentVariables> {
  const { read } = context.store;
  const row = await findDeployment(read, workspaceId, id);
  if (row === undefined) throw deploymentNotFound();
  const names = row.variables === null ? null : (JSON.parse(row.variables) as string[]);
  const before = await previousRelease(read, row);
  if (names === null || before === undefined || before.variables === null) {
    return { comparedWith: null, names, added: [], removed: [], changed: [] };
  }
  const beforeNames = JSON.parse(before.variables) as string[];
  const app = await findResource(read, 'app', workspaceId, row.app_id);
  const owners = [
    { kind: 'app', id: row.app_id, workspaceId } as const,
    ...(app === undefined ? [] : [{ kind: 'project', id: app.project_id, workspaceId } as const]),
  ];
  const [after, until] = [before.started_at ?? 0, row.started_at ?? 0];
  const set = await Promise.all(owners.map((owner) => namesSetBetween(read, owner, after, until)));
  const had = new Set(beforeNames);
  const has = new Set(names);
  return {
    comparedWith: before.id,
    names,
    added: names.filter((name) => !had.has(name)),
    removed: beforeNames.filter((name) => !has.has(name)),
    changed: names.filter((name) => had.has(name) && set.some((changed) => changed.has(name))),
  };
}
