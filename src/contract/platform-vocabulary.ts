import { DAY, HOUR, MINUTE } from './limits.ts';

/**
 * The vocabulary of the resources that credentials give access to: servers, deployments, scripts, backups, activity and
 * errors.
 */

export const SERVER_KINDS = ['ssh', 'local'] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];
/** The owner of a variable: an app, or its project. */
export const ENV_OWNERS = ['app', 'project'] as const;
export type EnvOwnerKind = (typeof ENV_OWNERS)[number];
/** Shells that can run the commands of an app. With bash, a pipe fails if any part of it fails (`pipefail`). */
export const COMMAND_INTERPRETERS = ['/bin/sh', '/bin/bash'] as const;
export type CommandInterpreter = (typeof COMMAND_INTERPRETERS)[number];

/** How a hook receives the app's variables: as environment variables, or as one file per variable. */
export const VARIABLE_DELIVERIES = ['environment', 'files'] as const;

/** The stages of a deployment at which hooks run, in order. */
export const HOOK_STAGES = [
  'pre_execution',
  'pre_source_control',
  'post_source_control',
  'post_setup',
  'post_release',
] as const;
export type HookStage = (typeof HOOK_STAGES)[number];
/** Statuses of deployments, runs, backups, restores and verifications. */
export const WORK_STATUSES = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type WorkStatus = (typeof WORK_STATUSES)[number];
export const UNFINISHED_STATUSES = ['pending', 'processing'] as const satisfies readonly WorkStatus[];
export const DEPLOYMENT_KINDS = ['deploy', 'rollback'] as const;
/** How a deployment reaches its servers: all in parallel, in batches, or one first and the others after a promotion. */
export const STRATEGIES = ['all', 'rolling', 'canary'] as const;
export type Strategy = (typeof STRATEGIES)[number];
export const HOOK_STATUSES = [...WORK_STATUSES, 'skipped'] as const;
export type HookStatus = (typeof HOOK_STATUSES)[number];
/** What a deployment is waiting for before it starts or, for `promotion`, continues. */
export const DEPLOYMENT_WAIT_REASONS = ['approval', 'schedule', 'queue', 'promotion'] as const;
export type DeploymentWaitReason = (typeof DEPLOYMENT_WAIT_REASONS)[number];
/** Fields of a deployment for which an access token needs the scope `advanced_deployment`. */
export const ADVANCED_DEPLOYMENT_FIELDS = [
  'servers',
  'strategy',
  'batchSize',
  'pauseSeconds',
  'healthCheck',
  'scheduledAt',
  'approval',
  'skipHooks',
] as const;

/** The source of a log line: the process, or Devpilot itself (`system`). */
export const LOG_STREAMS = ['stdout', 'stderr', 'system'] as const;
/** Sort orders of resource lists; `-` for descending. */
export const RESOURCE_SORTS = ['createdAt', '-createdAt', 'name', '-name'] as const;

/** Intervals in which activity events are counted, with their lengths in milliseconds. */
export const INTERVALS = { minute: MINUTE, hour: HOUR, day: DAY } as const;
export type Interval = keyof typeof INTERVALS;
export const INTERVAL_NAMES = ['minute', 'hour', 'day'] as const satisfies readonly Interval[];
/** Fields by which counts of activity events can be grouped. */
export const ACTIVITY_GROUPS = ['type', 'source', 'subject'] as const;
export type ActivityGroup = (typeof ACTIVITY_GROUPS)[number];

export const ERROR_LEVELS = ['fatal', 'error', 'warning', 'info', 'debug'] as const;
export type ErrorLevel = (typeof ERROR_LEVELS)[number];
export const ISSUE_STATUSES = ['open', 'resolved', 'muted'] as const;
export type IssueStatus = (typeof ISSUE_STATUSES)[number];
export const ISSUE_SORTS = ['-lastSeenAt', '-firstSeenAt', '-count'] as const;

/** What happens when a run is due while an earlier run is waiting or running: none, a later or a concurrent run. */
export const SCRIPT_OVERLAPS = ['skip', 'queue', 'allow'] as const;
export type ScriptOverlap = (typeof SCRIPT_OVERLAPS)[number];
/** How a backup was verified. The schema `Backup` describes the methods. */
export const VERIFICATION_METHODS = ['stored', 'unpacked', 'command'] as const;
export type VerificationMethod = (typeof VERIFICATION_METHODS)[number];
/** What a backup contains: an app's shared directory, or the output of its backup command. */
export const BACKUP_KINDS = ['directory', 'command'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];

/** Formats of variable files, named after the programs that read them. */
export const ENV_FILE_FORMATS = ['dotenv', 'node', 'python', 'shell', 'systemd', 'docker'] as const;
export type EnvFileFormat = (typeof ENV_FILE_FORMATS)[number];
