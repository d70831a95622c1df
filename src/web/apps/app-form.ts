import type { App, CreateAppInput } from '../../contract/apps.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { CommandInterpreter, HOOK_STAGES } from '../../contract/platform-vocabulary.ts';
import { emptyToNull, splitLines } from '../form-values.ts';
import { validateInteger, validateName, validateNewSlug } from '../validation.ts';
import { strings } from './strings.ts';

export type Hook = App['hooks'][number];
export type HookStage = (typeof HOOK_STAGES)[number];

/** The name of each hook stage, and when and where its hooks run. */
export const HOOK_STAGE_TEXTS: Readonly<Record<HookStage, { readonly label: string; readonly when: string }>> =
  strings.appForm.hookStages;

export type AppFormValues = {
  readonly name: string;
  readonly slug: string;
  readonly projectId: string;
  readonly serverId: string;
  readonly repository: string;
  readonly repositoryUser: string;
  /** Empty to keep the stored password. */
  readonly repositoryPassword: string;
  readonly removePassword: boolean;
  readonly branch: string;
  readonly directory: string;
  readonly hooks: readonly Hook[];
  /** A number input's value is an empty string while the input is empty. */
  readonly keepReleases: number | string;
  readonly checkKind: 'none' | 'url' | 'command';
  readonly checkUrl: string;
  readonly checkCommand: string;
  readonly checkTimeoutSeconds: number | string;
  readonly logCommand: string;
  /** One name per line. */
  readonly requiredVariables: string;
  readonly backupCommand: string;
  readonly restoreCommand: string;
  readonly verifyCommand: string;
  readonly backupInterpreter: CommandInterpreter;
  readonly backupSchedule: string;
  readonly verifySchedule: string;
  /** Number of backups to keep; empty for no limit. */
  readonly keepLast: number | string;
  /** Number of days to keep a backup; empty for no limit. */
  readonly keepDays: number | string;
  /** One pattern per line. */
  readonly pushBranches: string;
  /** One pattern per line. */
  readonly pushPaths: string;
};

export const NEW_APP_VALUES: AppFormValues = {
  name: '',
  slug: '',
  projectId: '',
  serverId: '',
  repository: '',
  repositoryUser: '',
  repositoryPassword: '',
  removePassword: false,
  branch: 'main',
  directory: '',
  hooks: [],
  keepReleases: 5,
  checkKind: 'none',
  checkUrl: '',
  checkCommand: '',
  checkTimeoutSeconds: 60,
  logCommand: '',
  requiredVariables: '',
  backupCommand: '',
  restoreCommand: '',
  verifyCommand: '',
  backupInterpreter: '/bin/sh',
  backupSchedule: '',
  verifySchedule: '',
  keepLast: '',
  keepDays: '',
  pushBranches: '',
  pushPaths: '',
};

function getCheckKind(healthCheck: App['healthCheck']): AppFormValues['checkKind'] {
  if (healthCheck === null) return 'none';
  return healthCheck.url === undefined ? 'command' : 'url';
}

export function toFormValues(app: App): AppFormValues {
  const { healthCheck, backup } = app;
  return {
    name: app.name,
    slug: app.slug,
    projectId: app.projectId,
    serverId: app.serverId ?? '',
    repository: app.repository ?? '',
    repositoryUser: app.repositoryUser ?? '',
    repositoryPassword: '',
    removePassword: false,
    branch: app.branch,
    directory: app.directory ?? '',
    hooks: app.hooks,
    keepReleases: app.keepReleases,
    checkKind: getCheckKind(healthCheck),
    checkUrl: healthCheck?.url ?? '',
    checkCommand: healthCheck?.command ?? '',
    checkTimeoutSeconds: healthCheck?.timeoutSeconds ?? 60,
    logCommand: app.logCommand ?? '',
    requiredVariables: app.requiredVariables.join('\n'),
    backupCommand: backup?.command ?? '',
    restoreCommand: backup?.restoreCommand ?? '',
    verifyCommand: backup?.verifyCommand ?? '',
    backupInterpreter: backup?.interpreter ?? '/bin/sh',
    backupSchedule: backup?.schedule ?? '',
    verifySchedule: backup?.verifySchedule ?? '',
    keepLast: backup?.keep?.last ?? '',
    keepDays: backup?.keep?.days ?? '',
    pushBranches: (app.push?.branches ?? []).join('\n'),
    pushPaths: (app.push?.paths ?? []).join('\n'),
  };
}

const validateOptionalInteger = (value: number | string, limits: { readonly min: number; readonly max: number }) =>
  value === '' ? null : validateInteger(value, limits);

export const APP_RULES = {
  name: validateName,
  slug: validateNewSlug,
  projectId: (id: string) => (id === '' ? strings.appForm.chooseAProject : null),
  branch: (branch: string) => (branch.trim() === '' ? strings.appForm.branchMissing : null),
  keepReleases: (count: number | string) => validateInteger(count, RESOURCE_LIMITS.keepReleases),
  checkTimeoutSeconds: (seconds: number | string, { checkKind }: AppFormValues) =>
    checkKind === 'none' ? null : validateInteger(seconds, RESOURCE_LIMITS.healthTimeout),
  keepLast: (count: number | string) => validateOptionalInteger(count, RESOURCE_LIMITS.keepBackups),
  keepDays: (days: number | string) => validateOptionalInteger(days, RESOURCE_LIMITS.keepBackupDays),
  checkUrl: (url: string, { checkKind }: AppFormValues) =>
    checkKind === 'url' && !/^https?:\/\//.test(url.trim()) ? strings.appForm.checkUrlInvalid : null,
  checkCommand: (command: string, { checkKind }: AppFormValues) =>
    checkKind === 'command' && command.trim() === '' ? strings.appForm.checkCommandMissing : null,
};

function toHealthCheck({ checkKind, checkUrl, checkCommand, checkTimeoutSeconds }: AppFormValues) {
  if (checkKind === 'none') return null;
  const timeoutSeconds = Number(checkTimeoutSeconds);
  return checkKind === 'url' ? { url: checkUrl.trim(), timeoutSeconds } : { command: checkCommand, timeoutSeconds };
}

function toBackupSettings(values: AppFormValues) {
  const last = values.keepLast === '' ? {} : { last: Number(values.keepLast) };
  const days = values.keepDays === '' ? {} : { days: Number(values.keepDays) };
  const keep = { ...last, ...days };
  const backup = {
    command: emptyToNull(values.backupCommand),
    restoreCommand: emptyToNull(values.restoreCommand),
    schedule: emptyToNull(values.backupSchedule),
    keep: Object.keys(keep).length === 0 ? null : keep,
    // Optional in the API; omitted if empty.
    ...(values.verifyCommand.trim() !== '' && { verifyCommand: values.verifyCommand }),
    ...(values.verifySchedule.trim() !== '' && { verifySchedule: values.verifySchedule }),
  };
  if (Object.values(backup).every((setting) => setting === null)) return null;
  return values.backupInterpreter === '/bin/sh' ? backup : { ...backup, interpreter: values.backupInterpreter };
}

function toPushSettings({ pushBranches, pushPaths }: AppFormValues) {
  const push = { branches: splitLines(pushBranches), paths: splitLines(pushPaths) };
  return push.branches.length + push.paths.length === 0 ? null : push;
}

/** Returns whether the repository is fetched over HTTP or HTTPS, for which a user and a password can be stored. */
export const supportsPassword = ({ repository }: AppFormValues): boolean => /^https?:\/\//i.test(repository.trim());

/**
 * Returns the field `repositoryPassword` if the form sets (text) or removes (null) the password; otherwise no field.
 */
function toPasswordChange(values: AppFormValues): { readonly repositoryPassword?: string | null } {
  if (!supportsPassword(values)) return {};
  if (values.removePassword) return { repositoryPassword: null };
  return values.repositoryPassword === '' ? {} : { repositoryPassword: values.repositoryPassword };
}

/** Converts the form to the API's fields. */
export function toRequestFields(values: AppFormValues) {
  return {
    name: values.name.trim(),
    projectId: values.projectId,
    serverId: emptyToNull(values.serverId),
    repository: emptyToNull(values.repository),
    repositoryUser: supportsPassword(values) ? emptyToNull(values.repositoryUser) : null,
    branch: values.branch.trim(),
    directory: emptyToNull(values.directory),
    hooks: [...values.hooks],
    keepReleases: Number(values.keepReleases),
    healthCheck: toHealthCheck(values),
    logCommand: emptyToNull(values.logCommand),
    requiredVariables: [...new Set(splitLines(values.requiredVariables))],
    backup: toBackupSettings(values),
    push: toPushSettings(values),
    ...toPasswordChange(values),
  };
}

export function toCreateRequest(values: AppFormValues): CreateAppInput {
  const { repositoryUser, ...fields } = toRequestFields(values);
  return {
    ...fields,
    // Omitted if empty, because the repository's URL may contain a user.
    ...(repositoryUser !== null && { repositoryUser }),
    ...(values.slug !== '' && { slug: values.slug }),
  };
}

/** Maps the API's field names to the form's. */
export const APP_FORM_FIELDS: Readonly<Record<string, string>> = {
  healthCheck: 'checkUrl',
  'healthCheck.command': 'checkCommand',
  'healthCheck.url': 'checkUrl',
  'healthCheck.timeoutSeconds': 'checkTimeoutSeconds',
  backup: 'backupCommand',
  'backup.restoreCommand': 'restoreCommand',
  'backup.schedule': 'backupSchedule',
  'backup.verifyCommand': 'verifyCommand',
  'backup.verifySchedule': 'verifySchedule',
  'backup.keep.last': 'keepLast',
  'backup.keep.days': 'keepDays',
  push: 'pushBranches',
  'push.branches': 'pushBranches',
  'push.paths': 'pushPaths',
};

/** The labels of the API's fields, for the notice about conflicting changes. */
export const APP_FIELD_LABELS: Readonly<Record<string, string>> = strings.appForm.fieldLabels;
