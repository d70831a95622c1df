import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { EnvOwnerKind } from '../../contract/platform-vocabulary.ts';
import { queryClient } from '../api.ts';
import { notifyError } from '../components/notify-error.ts';
import { useWorkspace } from '../session.ts';

/** The app or project whose variables a page shows. */
export interface EnvironmentOwner {
  readonly kind: EnvOwnerKind;
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** The project that an app inherits variables from. */
  readonly project?: { readonly id: string; readonly name: string };
  /** The names of the variables that must have a value before the app can be deployed. */
  readonly requiredNames?: readonly string[];
}

/**
 * The prefix of all query keys of variables in a workspace. It contains no owner, because a change to a project's
 * variables also affects its apps.
 */
export const environmentKey = (workspaceId: string) => [workspaceId, 'environment'];

/** Returns the SDK's client for the variables of an app or of a project. */
export function useEnvironmentClient({ kind }: EnvironmentOwner) {
  const { api } = useWorkspace();
  return kind === 'app' ? api.environment : api.projectEnvironment;
}

/** Reads the variables with their version and without their values. */
export function useEnvironment(owner: EnvironmentOwner) {
  const { workspace } = useWorkspace();
  const client = useEnvironmentClient(owner);
  return useQuery({
    queryKey: [...environmentKey(workspace.id), owner.id, 'names'],
    queryFn: ({ signal }) => client.read(owner.id, { values: 'hidden' }, { signal }),
    // A draft is based on the fetched version, so the query is refetched only after a save, a restore or a conflict.
    refetchOnWindowFocus: false,
  });
}

const ALL_NAMES = Symbol('all');

/** The revealed values. They are stored only in this page's memory. The server records each reveal. */
export function useRevealedValues(owner: EnvironmentOwner) {
  const { workspace } = useWorkspace();
  const client = useEnvironmentClient(owner);
  const [values, setValues] = useState<ReadonlyMap<string, string>>(new Map());
  /** The name of the variable that is being revealed, or `ALL_NAMES`; null if none is. */
  const [pending, setPending] = useState<string | typeof ALL_NAMES | null>(null);

  async function reveal(name: string | typeof ALL_NAMES) {
    setPending(name);
    try {
      const { value } = await client.read(owner.id, name === ALL_NAMES ? {} : { name });
      const revealedEntries = value.data.flatMap((variable) =>
        variable.value === null ? [] : [[variable.name, variable.value] as const],
      );
      setValues((previous) => new Map([...previous, ...revealedEntries]));
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'audit-events'] });
    } catch (error) {
      notifyError(error);
    } finally {
      setPending(null);
    }
  }
  return {
    values,
    isRevealing: (name: string) => pending === name,
    isRevealingAll: pending === ALL_NAMES,
    reveal: (name: string) => void reveal(name),
    revealAll: () => void reveal(ALL_NAMES),
    hide: (names: readonly string[]) =>
      setValues((previous) => new Map([...previous].filter(([name]) => !names.includes(name)))),
    hideAll: () => setValues(new Map()),
  };
}

export type RevealedValues = ReturnType<typeof useRevealedValues>;
