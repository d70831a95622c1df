import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { Environment } from '../../contract/environment.ts';
import type { EnvOwnerKind } from '../../contract/platform-vocabulary.ts';
import type { Tagged } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { isConflict } from '../components/form.tsx';
import { useWorkspace } from '../session.ts';
import { type Draft, diffDraft, mergeFile } from './environment-draft.ts';
import {
  type EnvironmentOwner,
  environmentKey,
  type RevealedValues,
  useEnvironmentClient,
} from './environment-queries.ts';
import { strings } from './strings.ts';

const namesFrom = ({ data }: Environment, from: EnvOwnerKind): ReadonlySet<string> =>
  new Set(data.filter((variable) => variable.from === from).map(({ name }) => name));

/** The time of the last change of each variable by its name. */
const getUpdateTimes = ({ data }: Environment): ReadonlyMap<string, string> =>
  new Map(data.map(({ name, updatedAt }) => [name, updatedAt]));

/** Returns the sorted names of the variables that were added, changed or removed between two versions. */
function findChangedNames(before: Environment, after: Environment): string[] {
  const timesBefore = getUpdateTimes(before);
  const timesAfter = getUpdateTimes(after);
  return [...new Set([...timesBefore.keys(), ...timesAfter.keys()])]
    .filter((name) => timesAfter.get(name) !== timesBefore.get(name))
    .sort();
}

export interface EnvironmentDraftOptions {
  readonly owner: EnvironmentOwner;
  /** The version on which the draft is based. */
  readonly loaded: Tagged<Environment>;
  /** Refetches the variables after a conflict and returns the current version. */
  readonly reload: () => Promise<Tagged<Environment> | undefined>;
  readonly revealed: RevealedValues;
}

/** The unsaved changes to the variables of an app or a project, and the functions that edit and save them. */
export function useEnvironmentDraft({ owner, loaded, reload, revealed }: EnvironmentDraftOptions) {
  const { workspace } = useWorkspace();
  const client = useEnvironmentClient(owner);
  const [draft, setDraft] = useState<Draft>(new Map());
  const [namesChangedByOthers, setNamesChangedByOthers] = useState<readonly string[] | null>(null);
  const { value: environment, tag: etag } = loaded;
  const ownNames = namesFrom(environment, owner.kind);
  const inheritedNames = owner.kind === 'app' ? namesFrom(environment, 'project') : new Set<string>();
  const changes = diffDraft(ownNames, inheritedNames, revealed.values, draft);
  const updatedAtByName = getUpdateTimes(environment);

  function discard(): void {
    setDraft(new Map());
    setNamesChangedByOthers(null);
  }

  async function reloadAfterConflict(): Promise<void> {
    const current = await reload();
    if (current === undefined) return;
    const changedNames = findChangedNames(environment, current.value);
    revealed.hide(changedNames);
    setNamesChangedByOthers(changedNames);
  }

  async function save(): Promise<void> {
    const values = Object.fromEntries(changes.map(({ name, after }) => [name, after]));
    try {
      await client.update(owner.id, values, { ifMatch: etag });
    } catch (error) {
      if (isConflict(error)) await reloadAfterConflict();
      throw error;
    }
    notifications.show({ message: strings.variableList.saved(owner.name) });
    revealed.hide(Object.keys(values));
    discard();
    await queryClient.invalidateQueries({ queryKey: environmentKey(workspace.id) });
  }

  return {
    /** The names of the saved variables of the app or project itself. */
    ownNames,
    /** The names of the variables that an app inherits from its project and does not override. */
    inheritedNames,
    /** The names of all saved variables and of the new variables in the draft, sorted. */
    allNames: [...new Set([...updatedAtByName.keys(), ...changes.map(({ name }) => name)])].sort(),
    /** The time of the last change of each saved variable by its name. */
    updatedAtByName,
    changes,
    /** After a conflict, the names of the variables that someone else changed; null otherwise. */
    namesChangedByOthers,
    /** Returns the value of a variable in the draft or, if it is revealed, the saved value. */
    getValue: (name: string): string | undefined => draft.get(name) ?? revealed.values.get(name),
    setValue: (name: string, value: string) => setDraft((before) => new Map([...before, [name, value]])),
    remove: (name: string) => setDraft((before) => new Map([...before, [name, null]])),
    undoChange: (name: string) =>
      setDraft((before) => new Map([...before].filter(([otherName]) => otherName !== name))),
    importFile: (file: ReadonlyMap<string, string>, options: { readonly removeOthers: boolean }) =>
      setDraft(mergeFile(ownNames, draft, file, options)),
    discard,
    save,
  };
}

export type EnvironmentDraft = ReturnType<typeof useEnvironmentDraft>;
