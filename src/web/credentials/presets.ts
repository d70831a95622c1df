import type { CredentialKind } from '../../contract/vocabulary.ts';
import type { CredentialFormValues } from './credential-form-values.ts';
import type { ExpiryChoice } from './expiry.ts';
import { strings } from './form-strings.ts';
import type { Right } from './kinds.ts';

/** The values that a preset fills in: a suggested name, and the fewest rights that its purpose needs. */
export interface Preset {
  readonly name: string;
  readonly rights: readonly Right[];
  readonly expiry: ExpiryChoice;
  /** Whether guards can use the API key. */
  readonly guard?: boolean;
}

const names = strings.presets.names;

export const PRESETS: Readonly<Record<CredentialKind, readonly Preset[]>> = {
  access_token: [
    { name: names.deployPipeline, rights: ['basic_deployment'], expiry: '90' },
    { name: names.monitoring, rights: ['activity_tracker_analytics', 'error_tracker'], expiry: '90' },
    { name: names.errorReporting, rights: ['error_tracker'], expiry: '365' },
    { name: names.activityTracking, rights: ['activity_tracker'], expiry: '365' },
    { name: names.environmentSync, rights: ['modify_env'], expiry: '30' },
    { name: names.scheduledScripts, rights: ['run_scripts'], expiry: '90' },
  ],
  api_key: [
    { name: names.readOnlyIntegration, rights: ['read'], expiry: '365' },
    { name: names.deployPipeline, rights: ['read', 'deploy'], expiry: '90' },
    { name: names.monitoring, rights: ['read', 'view_logs'], expiry: '90' },
    { name: names.backups, rights: ['read', 'manage_backups'], expiry: '90' },
    { name: names.provisioning, rights: ['read', 'write', 'manage_projects', 'manage_apps'], expiry: '30' },
    { name: names.guard, rights: ['read'], expiry: '365', guard: true },
  ],
};

/** Returns whether a form has exactly the rights of a preset, and the same setting for guards. */
export const isChosen = ({ rights, guard = false }: Preset, values: CredentialFormValues): boolean =>
  guard === values.guard &&
  rights.length === values.rights.length &&
  rights.every((right) => values.rights.includes(right));

/** Returns the values that a preset changes. It does not replace a name that the user has entered. */
export function applyPreset(
  kind: CredentialKind,
  { name, rights, expiry, guard = false }: Preset,
  values: CredentialFormValues,
): Pick<CredentialFormValues, 'name' | 'rights' | 'expiry' | 'guard'> {
  const isCustomName = values.name.trim() !== '' && !PRESETS[kind].some((preset) => preset.name === values.name);
  return {
    name: isCustomName ? values.name : name,
    rights: [...rights],
    expiry: { choice: expiry, dateText: '' },
    guard,
  };
}
