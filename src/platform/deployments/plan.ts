import { isDeepStrictEqual } from 'node:util';
import type { App } from '../../contract/apps.ts';
import { HOOK_STAGES, type HookStage } from '../../contract/platform-vocabulary.ts';
import { hostKeyAlgorithms } from '../../runner/ssh.ts';
import type { DeploymentTable } from '../../store/schema/deployments.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { DeployKeyCredentials } from '../resources/deploy-keys.ts';
import type { RepositoryCredentials } from '../resources/repository-credentials.ts';
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

/** Why a retry is refused: the release of the failed deployment was removed, and a retry would replace a newer release. */
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

/**
 * Runs ssh for git. A connection to the repository's host uses the deploy key in the agent, trusts only the confirmed
 * host key, and ignores the ssh configuration of the server. A connection to another host has no access to the agent.
 * The loop finds the host and port among git's arguments; `next` is the meaning of the following argument.
 */
const SSH_SCRIPT = `host= port=22 next=
for word do
  case $next in port) port=$word next=; continue;; value) next=; continue;; esac
  case $word in
    -p) next=port;;
    -p*) port=\${word#-p};;
    -[BbcDEeFIiJLlmOoQRSWw]) next=value;;
    -*) ;;
    *) host=$(printf %s "\${word##*@}" | tr A-Z a-z); break;;
  esac
done
if [ "$host $port" != "$DP_GIT_HOST" ]; then unset SSH_AUTH_SOCK; exec ssh -oBatchMode=yes "$@"; fi
exec ssh -F /dev/null -oBatchMode=yes -oStrictHostKeyChecking=yes "-oUserKnownHostsFile=\\"$DP_KNOWN_HOSTS\\"" \\
  -oGlobalKnownHostsFile=/dev/null -oHostKeyAlias=devpilot-pinned "-oHostKeyAlgorithms=$DP_HOST_KEY_ALGORITHMS" -oCheckHostIP=no \\
  -oUpdateHostKeys=no -oIdentityFile=none -oPreferredAuthentications=publickey -oForwardAgent=no -oClearAllForwardings=yes "$@"`;

function sshEnvironment({ host, port, hostKey, privateKey }: DeployKeyCredentials): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: '0',
    GIT_SSH_COMMAND: '/bin/sh -c "$DP_SSH" ssh',
    GIT_SSH_VARIANT: 'ssh',
    DP_SSH: SSH_SCRIPT,
    DP_GIT_HOST: `${host} ${port}`,
    DP_HOST_KEY: hostKey,
    DP_HOST_KEY_ALGORITHMS: hostKeyAlgorithms(hostKey),
    DP_DEPLOY_KEY: privateKey,
  };
}

/**
 * Returns the variables that pass the repository's credentials to git, so that they are not on a command line. Git uses
 * the credentials only for the scheme, host and port of the repository, so neither a submodule on another host nor a
 * redirect receives them. No credential helper of the server stores them. Pure.
 */
export function gitEnvironment(credentials: RepositoryCredentials | null): Record<string, string> {
  if (credentials === null) return { GIT_CONFIG_COUNT: '0' };
  if (credentials.kind === 'deploy_key') return sshEnvironment(credentials);
  const helper = `credential.${credentials.origin}.helper`;
  return {
    GIT_CONFIG_COUNT: '2',
    // The empty value disables the helpers of the server's own configuration.
    GIT_CONFIG_KEY_0: helper,
    GIT_CONFIG_VALUE_0: '',
    GIT_CONFIG_KEY_1: helper,
    GIT_CONFIG_VALUE_1: `!f() { [ "$1" != get ] || printf 'username=%s\\npassword=%s\\n' "$DP_USER" "$DP_PASSWORD"; }; f`,
    DP_USER: credentials.user,
    DP_PASSWORD: credentials.password,
  };
}
