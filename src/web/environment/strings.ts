import type { ReactNode } from 'react';
import { plural } from '../components/plural.ts';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  environmentDraft: {
    nameMissing: 'Enter a name',
    nameReserved: 'This name is reserved. Choose another name.',
    nameTooLong: (max: number) => `Must be at most ${max} characters`,
    nameInvalid: 'Must contain only letters, digits and underscores, and not start with a digit',
    nameTaken: 'A variable with this name already exists',
    valueInvalid: 'Must be well-formed Unicode without NUL characters',
    valueTooLong: 'Must be at most 64 KiB',
  },
  variableList: {
    downloadNotice: 'Reveals all values. Recorded in the activity log.',
    downloadAs: {
      dotenv: 'Download as .env',
      node: 'For Node.js (--env-file)',
      python: 'For python-dotenv',
      shell: 'For a shell (set -a)',
      systemd: 'For systemd (EnvironmentFile)',
      docker: 'For Docker (--env-file)',
    },
    revealAll: 'Reveal all',
    hideAll: 'Hide all',
    saved: (name: string) => phrase`Environment of ${name} saved. It takes effect with the next deployment.`,
    addVariable: 'Add variable',
    import: 'Import',
    noVariablesYetTitle: 'No variables yet',
    noVariablesHint: {
      app: 'Environment variables of the app, such as DATABASE_URL. Values are encrypted at rest.',
      project:
        'Variables that all apps of the project inherit. An app can override them. Values are encrypted at rest.',
    },
    askToSet: 'An owner or admin of this workspace can set variables.',
    searchVariablesByName: 'Search variables by name',
    searchByNamePlaceholder: 'Search by name',
    valuesAreHidden: 'Values are hidden until you reveal them. Each reveal is recorded in the activity log.',
    onlyAdminsCanReveal: 'Only owners and admins can reveal the values.',
    variables: 'Variables',
    noVariablesMatch: 'No variables match.',
    unsavedChangesLabel: 'Unsaved changes',
    unsavedChanges: (count: number) => plural(count, { one: '1 unsaved change', other: `${count} unsaved changes` }),
    requiredMissing: (names: string) =>
      phrase`The app cannot be deployed until these variables have a value: ${names}.`,
    discard: 'Discard',
    reviewAndSave: 'Review and save',
  },
  environmentVersions: {
    andMore: (names: string, count: number) => phrase`${names} and ${count} more`,
    restored: (version: number) => `restored version ${version}`,
    set: (names: string) => phrase`set ${names}`,
    removed: (names: string) => phrase`removed ${names}`,
    noChanges: 'No changes',
    description: 'Each save creates a version. This list shows names only; values stay encrypted.',
    versions: 'Versions',
    restoreConsequences: (version: number) =>
      `This creates a new version with all variables as they were in version ${version}. Later changes are reverted. It takes effect with the next deployment.`,
    versionRestored: (version: number) => `Version ${version} restored`,
    title: (version: number) => `Version ${version}`,
    changedBy: (name: string, time: ReactNode) => sentence`${name}, ${time}`,
    restore: 'Restore',
    ofVersion: (version: number) => ` version ${version}`,
  },
  importDialog: {
    fileTooLarge: 'The file must be at most 8 MiB.',
    errorInLine: (line: number, message: string) => `Line ${line}: ${message}.`,
    title: 'Import .env file',
    chooseFile: 'Choose file',
    orPasteBelow: 'or paste its content below.',
    content: 'Content',
    contentPlaceholder: 'DATABASE_URL=postgres://shop@db/shop\nGREETING="Hello, world"',
    removeOthers: 'Remove variables that are not in the file',
    summary: ({
      count,
      existingCount,
      removedCount,
    }: {
      count: number;
      existingCount: number;
      removedCount: number | null;
    }) => {
      const counts = `${plural(count, { one: '1 variable', other: `${count} variables` })} in the file: ${count - existingCount} new, ${existingCount} existing`;
      return removedCount === null ? `${counts}.` : `${counts}; ${removedCount} will be removed.`;
    },
    cancel: 'Cancel',
    import: 'Import',
  },
  reviewDialog: {
    kinds: {
      added: 'New',
      overridden: 'Override',
      changed: 'Changed',
      removed: 'Removed',
    },
    after: 'After: ',
    before: 'Before: ',
    empty: 'empty',
    title: 'Review changes',
    showValues: 'Show values',
    changes: 'Changes',
    hiddenValuesStayHidden: 'Values you have not revealed stay hidden.',
    conflict: (changedNames: string, conflictingNames: string) => {
      const notice =
        changedNames === ''
          ? 'Someone else changed the environment while you were editing. Your changes have not been saved.'
          : phrase`Someone else changed the environment while you were editing: ${changedNames}. Your changes have not been saved.`;
      return conflictingNames === ''
        ? notice
        : phrase`${notice} Saving again overwrites their changes to ${conflictingNames}.`;
    },
    back: 'Back',
    save: (count: number) => `Save ${plural(count, { one: '1 change', other: `${count} changes` })}`,
    saveAgain: 'Save again',
  },
  variableDialog: {
    addTitle: 'Add variable',
    editTitle: (name: string) => phrase`Edit ${name}`,
    name: 'Name',
    namePlaceholder: 'DATABASE_URL',
    controlVariable:
      'This variable controls how programs run or is set by Devpilot, so it is only written to the .env file. Hooks, health checks, log commands and backup commands do not receive it.',
    value: 'Value',
    valueHiddenDescription: 'The current value stays hidden. What you enter here replaces it.',
    valueDescription: 'Stored exactly as entered, including line breaks, spaces and $.',
    add: 'Add',
    apply: 'Apply',
  },
  variableRow: {
    copy: (name: string) => phrase`Copy ${name}`,
    copied: (name: string) => phrase`Copied ${name}`,
    copyFailed: 'Select the value and press Ctrl+C',
    copyFailedApple: 'Select the value and press ⌘C',
    empty: 'empty',
    envOnly: '.env only',
    notSaved: 'Not saved',
    reveal: (name: string) => phrase`Reveal ${name}`,
    hide: (name: string) => phrase`Hide ${name}`,
    edit: (name: string) => phrase`Edit ${name}`,
    override: (name: string) => phrase`Override ${name}`,
    fromProject: (project: ReactNode) => sentence`From project ${project}`,
    remove: (name: string) => phrase`Remove ${name}`,
    undoChangeTo: (name: string) => phrase`Undo change to ${name}`,
  },
};
