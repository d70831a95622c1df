import { setTimeout as pause } from 'node:timers/promises';
import { writeShellDotenv } from '../../contract/dotenv.ts';
import { HOOK_STAGES, type HookStage, MINUTE, SECOND } from '../../contract/words.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema.ts';
import { JobFailure } from '../jobs/jobs.ts';
import type { LogWriter } from '../logs.ts';
import type { RepositoryCredentials } from '../repository.ts';
import type { Connections } from '../runner/connection.ts';
import type { Mask } from '../runner/mask.ts';
import { type Outcome, run, type Step, type Target } from '../runner/run.ts';
import { shellCommand } from '../runner/shell.ts';
import { gitEnvironment, hooksIn, type Plan } from './plan.ts';
import type { Progress } from './progress.ts';
import { ASK, CHECK_OUT, PREPARE, PRUNE, RESTORE, SET_UP, SWITCH } from './scripts.ts';

/** Fetching may be the first time, of a large repository. */
const FETCH_WITHIN = 30 * MINUTE;
const STEP_WITHIN = 5 * MINUTE;
const ASK_WITHIN = 15 * SECOND;
const ASK_EVERY = SECOND;
/** Hooks that begin the release before again; who cancels does not wait for hours. */
const AGAIN_WITHIN = 2 * MINUTE;

/** What a deployment has on every server. */
export interface Works {
  readonly row: DeploymentTable;
  readonly plan: Plan;
  /** The repository's, for fetching the source and nothing else. */
  readonly credentials: RepositoryCredentials | null;
  /** The app's variables. */
  readonly variables: ReadonlyMap<string, string>;
  /** Those of them that commands are given. */
  readonly passed: Readonly<Record<string, string>>;
  readonly mask: Mask;
  readonly log: LogWriter;
  readonly progress: Progress;
  readonly connections: Connections;
}

/** A server that a deployment goes to. */
export interface Place {
  readonly server: DeploymentServerTable;
  readonly name: string;
  readonly target: Target;
}

/** Lines of git that say less than what the server said before them. */
const VAGUE = /^fatal: (?:Could not read from remote repository|[Tt]he remote end hung up|early EOF)/;

const scriptOf = (body: string) => shellCommand(body);

/** What a step leaves behind: the last words of it say why it failed. */
interface Done extends Outcome {
  readonly lastWords: string;
  /** What git gives as the cause of a failure, if it did. */
  readonly cause: string | null;
  /** Values that it told us, by their word. */
  readonly told: ReadonlyMap<string, string>;
}

/** Runs one step; what it says goes into the log, but for lines that tell us something. Throws when the signal ends it. */
async function perform(
  works: Works,
  place: Place,
  name: string,
  step: Step,
  signal: AbortSignal,
  tells: readonly string[] = [],
): Promise<Done> {
  let lastWords = '';
  let cause: string | null = null;
  const told = new Map<string, string>();
  const outcome = await run(
    place.target,
    {
      ...step,
      secrets: works.mask,
      onLine(line) {
        const [word = '', ...rest] = line.text.split(' ');
        if (line.stream === 'stdout' && tells.includes(word)) {
          told.set(word, rest.join(' '));
          return;
        }
        const text = line.text.trim();
        if (text.startsWith('fatal: ')) cause ??= VAGUE.test(text) && lastWords !== '' ? lastWords : text;
        if (text !== '') lastWords = text;
        works.log.write(line, name, place.server.server_id);
      },
    },
    signal,
  );
  if (outcome.cancelled) throw signal.reason as Error;
  if (outcome.problem !== null) throw new JobFailure(`${place.name}: ${outcome.problem}`);
  return { ...outcome, lastWords, cause, told };
}

/** In words for people, with the cause if one is given, otherwise the last line of output. */
function failureOf(place: Place, what: string, done: Done, cause: string | null = null): JobFailure {
  const how = done.timedOut
    ? 'took too long and was ended'
    : done.signal !== null
      ? `was ended by ${done.signal}`
      : `ended with exit code ${done.exitCode}`;
  const last = cause ?? done.lastWords;
  return new JobFailure(`${place.name}: ${what} ${how}${last === '' ? '' : `: ${last.slice(0, 500)}`}`);
}

/** A script of ours. Throws `JobFailure` unless it ends well. */
async function script(
  works: Works,
  place: Place,
  name: string,
  what: string,
  body: string,
  signal: AbortSignal,
  more: Partial<Step> & { readonly tells?: readonly string[] } = {},
): Promise<Done> {
  const { tells, environment, ...rest } = more;
  const { row, plan } = works;
  const step: Step = {
    command: scriptOf(body),
    environment: { DP_DIR: plan.directory, DP_ID: row.id, ...environment },
    timeoutMs: STEP_WITHIN,
    ...rest,
  };
  const done = await perform(works, place, name, step, signal, tells);
  if (done.exitCode !== 0) throw failureOf(place, what, done, done.cause);
  return done;
}

/** What hooks and the app's own commands know beside the app's variables. */
function factsFor(works: Works, stage: HookStage, previous: string | null): Record<string, string> {
  const { row, plan } = works;
  const current = works.progress.row();
  return {
    DEVPILOT_APP: plan.app,
    DEVPILOT_DEPLOYMENT_ID: row.id,
    DEVPILOT_STAGE: stage,
    DEVPILOT_DIRECTORY: plan.directory,
    DEVPILOT_RELEASE: `${plan.directory}/releases/${row.id}`,
    DEVPILOT_BRANCH: current.branch ?? '',
    DEVPILOT_COMMIT: current.commit_id ?? '',
    DEVPILOT_PREVIOUS: previous === null || previous === '' ? '' : `${plan.directory}/${previous}`,
  };
}

/** Runs the hooks of a stage in their order. Throws `JobFailure` for the first that fails. */
async function hooks(works: Works, place: Place, stage: HookStage, signal: AbortSignal): Promise<void> {
  const { plan, row, progress } = works;
  const before = HOOK_STAGES.indexOf(stage) < HOOK_STAGES.indexOf('post_source_control');
  const release = stage === 'post_release' ? 'current' : `releases/${row.id}`;
  for (const hook of hooksIn(plan, stage)) {
    await progress.hookBegan(hook.name);
    const step: Step = {
      command: shellCommand(hook.run, hook.interpreter),
      cwd: before ? plan.directory : `${plan.directory}/${release}`,
      environment: { ...works.passed, ...factsFor(works, stage, place.server.previous) },
      timeoutMs: hook.timeoutSeconds * SECOND,
    };
    const done = await perform(works, place, hook.name, step, signal);
    const ok = done.exitCode === 0 && !done.timedOut;
    await progress.hookEnded(hook.name, done.exitCode, done.durationMs, ok);
    if (!ok) throw failureOf(place, `the hook ${hook.name}`, done);
  }
}

/** The commit to check out; null where this server finds out. */
export interface Wanted {
  readonly commit: string | null;
  /** Whether this deployment has found before that a branch or tag contains it. */
  readonly isKnown: boolean;
}

/** Everything before the switch. */
export async function prepare(
  works: Works,
  place: Place,
  commit: () => Promise<Wanted>,
  found: (commit: string) => Promise<void>,
  signal: AbortSignal,
): Promise<Place> {
  const { plan, row, progress, log } = works;
  const serverId = place.server.server_id;
  const prepared = await script(works, place, 'prepare', 'preparing the directory', PREPARE, signal, {
    tells: ['previous'],
  });
  const previous = prepared.told.get('previous') ?? '';
  await progress.setServer(place.server, { previous, status: 'processing' });
  const here: Place = { ...place, server: { ...place.server, previous } };
  await progress.advance();
  await hooks(works, here, 'pre_execution', signal);
  await hooks(works, here, 'pre_source_control', signal);
  const wanted = await commit();
  const checkedOut = await script(works, here, 'source_control', 'fetching the source', CHECK_OUT, signal, {
    environment: {
      ...gitEnvironment(works.credentials),
      DP_REPOSITORY: plan.repository,
      DP_BRANCH: row.branch ?? '',
      DP_COMMIT: wanted.commit ?? '',
      DP_KNOWN: wanted.isKnown ? '1' : '',
      DP_ROLLBACK: row.kind === 'rollback' ? '1' : '',
    },
    timeoutMs: FETCH_WITHIN,
    tells: ['commit'],
  });
  const [id = '', ...subject] = (checkedOut.told.get('commit') ?? '').split(' ');
  log.say(`Commit ${id} ${subject.join(' ')}`.trim(), 'source_control', serverId);
  await found(id);
  await progress.advance();
  await hooks(works, here, 'post_source_control', signal);
  const { size } = works.variables;
  await script(works, here, 'setup', 'setting the release up', SET_UP, signal, {
    environment: { DP_VARIABLES: size === 0 ? '' : String(size) },
    stdin: writeShellDotenv(works.variables),
  });
  await progress.advance();
  await hooks(works, here, 'post_setup', signal);
  return here;
}

/** Asks until the app is well. Throws `JobFailure` when it is not in time. */
async function untilHealthy(works: Works, place: Place, signal: AbortSignal): Promise<void> {
  const { healthCheck } = works.plan;
  if (healthCheck === null) return;
  const { command, url, timeoutSeconds } = healthCheck;
  const end = performance.now() + timeoutSeconds * SECOND;
  for (;;) {
    const left = Math.max(100, end - performance.now());
    const step: Step =
      command === undefined
        ? {
            command: scriptOf(ASK),
            environment: { DP_URL: (url ?? '').replace(/["\\]/g, '\\$&') },
            timeoutMs: Math.min(left, ASK_WITHIN),
          }
        : {
            command: scriptOf(command),
            cwd: `${works.plan.directory}/current`,
            environment: {
              ...works.passed,
              ...factsFor(works, 'post_release', place.server.previous),
            },
            timeoutMs: left,
          };
    const done = await perform(works, place, 'health_check', step, signal);
    if (done.exitCode === 0 && !done.timedOut) return;
    if (performance.now() + ASK_EVERY > end) {
      const words = done.lastWords === '' ? '' : `: ${done.lastWords.slice(0, 500)}`;
      throw new JobFailure(`${place.name}: the app was not healthy within ${timeoutSeconds} seconds${words}`);
    }
    await pause(ASK_EVERY, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

/** The switch, and everything after it. */
export async function release(works: Works, place: Place, signal: AbortSignal): Promise<void> {
  const { progress, log } = works;
  await script(works, place, 'release', 'switching to the release', SWITCH, signal);
  log.say('The release is live here.', 'release', place.server.server_id);
  await progress.advance();
  await hooks(works, place, 'post_release', signal);
  await untilHealthy(works, place, signal);
  await progress.advance();
  await progress.setServer(place.server, { status: 'completed' });
}

/**
 * Makes a server what it was before the deployment came to it: the previous release live again, then every
 * hook that restarts it, whatever fails on the way. Throws one `JobFailure` at the end for all that failed.
 */
export async function restore(works: Works, place: Place, signal: AbortSignal): Promise<void> {
  const { previous, server_id: serverId } = place.server;
  if (previous === null) return;
  const done = await script(works, place, 'restore', 'going back to the previous release', RESTORE, signal, {
    environment: { DP_PREVIOUS: previous },
    tells: ['restored', 'kept'],
  });
  const failures: string[] = [];
  const kept = done.told.get('kept');
  if (kept !== undefined) failures.push(`${place.name}: ${kept} could not be removed completely: ${done.lastWords}`);
  if (done.told.has('restored')) {
    const what = previous === '' ? 'No release is live here, as before.' : 'The previous release is live here again.';
    works.log.say(what, 'restore', serverId);
    if (previous !== '') failures.push(...(await restart(works, place, previous, signal)));
  }
  if (failures.length > 0) throw new JobFailure(failures.join(' '));
}

/** Runs the hooks that started the new release for the previous one, all of them. Returns what failed, in words. */
async function restart(works: Works, place: Place, previous: string, signal: AbortSignal): Promise<string[]> {
  const failures: string[] = [];
  for (const hook of hooksIn(works.plan, 'post_release')) {
    const step: Step = {
      command: shellCommand(hook.run, hook.interpreter),
      cwd: `${works.plan.directory}/current`,
      environment: { ...works.passed, ...factsFor(works, 'post_release', previous) },
      timeoutMs: Math.min(hook.timeoutSeconds * SECOND, AGAIN_WITHIN),
    };
    try {
      const again = await perform(works, place, hook.name, step, signal);
      if (again.exitCode !== 0 || again.timedOut)
        throw failureOf(place, `the hook ${hook.name}, for the previous release,`, again);
    } catch (error) {
      if (!(error instanceof JobFailure)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}

/** Removes releases that are not kept. What goes wrong here is said and borne. */
export async function prune(works: Works, place: Place, signal: AbortSignal): Promise<void> {
  try {
    await script(works, place, 'prune', 'removing old releases', PRUNE, signal, {
      environment: { DP_KEEP: String(works.plan.keepReleases) },
    });
  } catch (error) {
    if (!(error instanceof JobFailure)) throw error;
    works.log.say(error.message, 'prune', place.server.server_id);
  }
}
