import type { App } from '../../contract/apps.ts';
import type { CreateDeploymentInput, Deployment } from '../../contract/deployments.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { Strategy } from '../../contract/platform-vocabulary.ts';
import { validateInteger } from '../validation.ts';
import { strings } from './strings.ts';

export const STRATEGY_TEXTS: Readonly<Record<Strategy, { readonly label: string; readonly description: string }>> =
  strings.deployForm.strategies;

export const SOURCES = ['branch', 'tag', 'commit'] as const;

export type DeployFormValues = {
  readonly source: (typeof SOURCES)[number];
  readonly branch: string;
  readonly tag: string;
  readonly commit: string;
  readonly servers: string[];
  readonly strategy: Strategy;
  readonly batchSize: number | string;
  readonly pauseSeconds: number | string;
  /** The value of a `datetime-local` field; empty to start immediately. */
  readonly scheduledAt: string;
  /** Whether the deployment must be approved before it starts. */
  readonly approval: boolean;
  readonly skipHooks: string[];
  /** Whether the pending deployments of the app are cancelled. */
  readonly replace: boolean;
};

function getSource(previous: Deployment | undefined): DeployFormValues['source'] {
  if (previous === undefined) return 'branch';
  const { kind, branch, tag, commit } = previous;
  // A rollback has the branch of the deployment that it rolled back to, but that branch can have newer commits.
  if (kind === 'rollback') return commit === null ? 'branch' : 'commit';
  if (tag !== null) return 'tag';
  return branch === null && commit !== null ? 'commit' : 'branch';
}

/**
 * Returns the form values of a new deployment: the options of the previous one if given, otherwise the app's defaults.
 */
export function initialFormValues(app: App, previous?: Deployment): DeployFormValues {
  const { branch = null, tag = null, commit = null, overrides = {}, batchSize = 1, pauseSeconds = 0 } = previous ?? {};
  const hookNames = new Set(app.hooks.map(({ name }) => name));
  return {
    source: getSource(previous),
    branch: branch ?? app.branch,
    tag: tag ?? '',
    commit: commit ?? '',
    servers: overrides.servers ?? (app.serverId === null ? [] : [app.serverId]),
    strategy: overrides.strategy ?? 'all',
    batchSize,
    pauseSeconds,
    scheduledAt: '',
    approval: overrides.approval ?? false,
    skipHooks: (overrides.skipHooks ?? []).filter((name) => hookNames.has(name)),
    replace: overrides.replace ?? false,
  };
}

export const DEPLOY_RULES = {
  branch: (branch: string, { source }: DeployFormValues) =>
    source === 'branch' && branch.trim() === '' ? strings.deployForm.branchMissing : null,
  tag: (tag: string, { source }: DeployFormValues) =>
    source === 'tag' && tag.trim() === '' ? strings.deployForm.tagMissing : null,
  commit: (commit: string, { source }: DeployFormValues) =>
    source === 'commit' && !/^[0-9a-f]{7,64}$/.test(commit.trim()) ? strings.deployForm.commitInvalid : null,
  servers: (servers: string[]) => (servers.length === 0 ? strings.deployForm.serversMissing : null),
  batchSize: (size: number | string, { strategy }: DeployFormValues) =>
    strategy === 'rolling' ? validateInteger(size, { min: 1, max: RESOURCE_LIMITS.deploymentServers }) : null,
  pauseSeconds: (seconds: number | string, { strategy }: DeployFormValues) =>
    strategy === 'rolling' ? validateInteger(seconds, { min: 0, max: RESOURCE_LIMITS.pauseSeconds }) : null,
  scheduledAt: (localTime: string) =>
    // The negation also rejects an invalid time, which is NaN.
    localTime !== '' && !(new Date(localTime).getTime() > Date.now()) ? strings.deployForm.mustBeInTheFuture : null,
};

/**
 * Returns the request without the options that have their default values, so that a user who is not allowed to override
 * settings can still deploy with the defaults.
 */
export function toCreateRequest(app: App, values: DeployFormValues): CreateDeploymentInput {
  const { source, branch, tag, commit, servers, strategy, scheduledAt, approval, skipHooks, replace } = values;
  const usesDefaultServer = servers.length === 1 && servers[0] === app.serverId;
  return {
    ...(source === 'commit' && { commit: commit.trim() }),
    ...(source === 'tag' && { tag: tag.trim() }),
    ...(source === 'branch' && branch.trim() !== app.branch && { branch: branch.trim() }),
    ...(!usesDefaultServer && { servers }),
    ...(strategy !== 'all' && { strategy }),
    ...(strategy === 'rolling' && {
      batchSize: Number(values.batchSize),
      ...(Number(values.pauseSeconds) > 0 && { pauseSeconds: Number(values.pauseSeconds) }),
    }),
    ...(scheduledAt !== '' && { scheduledAt: new Date(scheduledAt).toISOString() }),
    ...(approval && { approval }),
    ...(skipHooks.length > 0 && { skipHooks }),
    ...(replace && { replace }),
  };
}
