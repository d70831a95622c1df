import { isDeepStrictEqual } from 'node:util';
import type { App } from '../../contract/apps.ts';
import { HOOK_STAGES, type HookStage } from '../../contract/platform-vocabulary.ts';
import type { DeploymentTable } from '../../store/schema/deployments.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import { type AppHook, completeHooks, parseHooks } from '../resources/stored-hooks.ts';

/** Configuration of a deployment: the app as it was when the deployment started. */
export interface DeploymentPlan {
  readonly app: string;
  readonly repository: string;
  readonly directory: string;
  readonly keepReleases: number;
  readonly healthCheck: App['healthCheck'];
  /** Hooks to run. */
  readonly hooks: readonly AppHook[];
}

/** Returns why an app cannot be deployed; null if it can. Pure. */
export function missingConfiguration(app: AppTable): string | null {
  if (app.repository === null) return 'The app has no repository. Set it, then deploy.';
  if (app.directory === null) return 'The app has no directory on its server. Set it, then deploy.';
  return null;
}

/**
 * Why a retry is refused after a newer deployment has started: that deployment removes the release of the failed one,
 * and a retry would replace a newer release.
 */
export const SUPERSEDED_MESSAGE =
  'A newer deployment of this app has started since, so this one cannot be retried. Deploy again.';

/** Returns the plan of a deployment. Throws if the configuration of the app is incomplete. Pure. */
export function createPlan(app: AppTable, deployment: DeploymentTable): DeploymentPlan {
  const { repository, directory } = app;
  if (repository === null || directory === null) throw new Error(missingConfiguration(app) ?? '');
  const skipped = new Set(JSON.parse(deployment.skip_hooks) as string[]);
  const hooks = parseHooks(app.hooks);
  const check = deployment.health_check ?? app.health_check;
  return {
    app: app.slug,
    repository,
    directory,
    keepReleases: app.keep_releases,
    healthCheck: check === null ? null : (JSON.parse(check) as App['healthCheck']),
    hooks: hooks.filter((hook) => hook.active && !skipped.has(hook.name)),
  };
}

/** Parses a stored plan. Completes hooks that an older version of Devpilot stored without some fields. Pure. */
export function parsePlan(json: string): DeploymentPlan {
  const plan = JSON.parse(json) as DeploymentPlan;
  return { ...plan, hooks: completeHooks(plan.hooks) };
}

/** Returns hooks in the order in which they run: by stage, then in the given order. Pure. */
export function sortByStage<Hook extends { readonly stage: HookStage }>(hooks: readonly Hook[]): Hook[] {
  return HOOK_STAGES.flatMap((stage) => hooks.filter((hook) => hook.stage === stage));
}

/** A step before the new release is activated. */
export type PreparationStep =
  | { readonly kind: 'hook'; readonly hook: AppHook }
  | { readonly kind: 'source_control' }
  | { readonly kind: 'setup' };

/** Returns the steps before the activation, in the order in which they run on each server. Pure. */
export function preparationSteps(plan: DeploymentPlan): readonly PreparationStep[] {
  const hookSteps = (stage: HookStage) => hooksOfStage(plan, stage).map((hook) => ({ kind: 'hook', hook }) as const);
  return [
    ...hookSteps('pre_execution'),
    ...hookSteps('pre_source_control'),
    { kind: 'source_control' },
    ...hookSteps('post_source_control'),
    { kind: 'setup' },
    ...hookSteps('post_setup'),
  ];
}

/** Returns the number of steps up to and including the checkout. Pure. */
export const stepsUntilCheckout = (plan: DeploymentPlan): number =>
  preparationSteps(plan).findIndex(({ kind }) => kind === 'source_control') + 1;

/** Returns the number of steps before the first one that differs between two plans. Pure. */
export function countSharedSteps(plan: DeploymentPlan, otherPlan: DeploymentPlan): number {
  const steps = preparationSteps(plan);
  const otherSteps = preparationSteps(otherPlan);
  const firstDifference = steps.findIndex((step, index) => !isDeepStrictEqual(step, otherSteps[index]));
  return firstDifference < 0 ? steps.length : firstDifference;
}

export const hooksOfStage = (plan: DeploymentPlan, stage: HookStage): readonly AppHook[] =>
  plan.hooks.filter((hook) => hook.stage === stage);

/** Returns the positions of the next batch of servers (`to` is exclusive); null if all servers are done. Pure. */
export function nextBatch(
  { strategy, batch_size: size, next_server: from }: DeploymentTable,
  serverCount: number,
): { readonly from: number; readonly to: number } | null {
  if (from >= serverCount) return null;
  if (strategy === 'rolling') return { from, to: Math.min(serverCount, from + size) };
  if (strategy === 'canary' && from === 0) return { from, to: 1 };
  return { from, to: serverCount };
}

/** Whether the first server runs the new release and the other servers wait for promotion. Pure. */
export function waitsForPromotion(row: DeploymentTable): boolean {
  const { status, strategy, next_server, under_way, decision } = row;
  return status === 'processing' && strategy === 'canary' && next_server === 1 && under_way === 0 && decision === null;
}
