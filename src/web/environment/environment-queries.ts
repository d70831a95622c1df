import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryClient } from '../api.ts';
import { notifyError } from '../components/notify-error.ts';
import { useWorkspace } from '../session.ts';

/** The names of an app's variables, without their values. */
export function useEnvironment(appId: string) {
  const { api, workspace } = useWorkspace();
  return useQuery({
    queryKey: [workspace.id, 'apps', appId, 'env', 'names'],
    queryFn: ({ signal }) => api.environment.read(appId, { values: 'hidden' }, { signal }),
    // A draft is based on this version, so it is refetched only after a save or a conflict.
    refetchOnWindowFocus: false,
  });
}

/** The revealed values, kept only in this page's memory. The server records each reveal. */
export function useRevealedValues(appId: string) {
  const { api, workspace } = useWorkspace();
  const [values, setValues] = useState<ReadonlyMap<string, string>>(new Map());
  const [pending, setPending] = useState<string | null>(null);

  async function reveal(name?: string) {
    setPending(name ?? '');
    try {
      const { value } = await api.environment.read(appId, name === undefined ? {} : { name });
      const shown = value.data.flatMap((variable) =>
        variable.value === null ? [] : [[variable.name, variable.value] as const],
      );
      setValues((previous) => new Map([...previous, ...shown]));
      void queryClient.invalidateQueries({ queryKey: [workspace.id, 'audit-events'] });
    } catch (error) {
      notifyError(error);
    } finally {
      setPending(null);
    }
  }
  return {
    values,
    /** The name of the variable being revealed; empty for all of them. */
    pending,
    /** Reveals one variable, or all of them. */
    reveal: (name?: string) => void reveal(name),
    /** Hides some variables, or all of them. */
    hide: (...names: readonly string[]) =>
      setValues((previous) =>
        names.length === 0 ? new Map() : new Map([...previous].filter(([name]) => !names.includes(name))),
      ),
  };
}
