import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useWorkspace } from '../session.ts';
import { type Credential, credentialsKey, getKindConfig } from './kinds.ts';

/** The uses of a credential: when, from where, and with which of its rights. */
export function useCredentialUses(credential: Credential) {
  const { workspace, api } = useWorkspace();
  const { kind, id } = credential;
  return useQuery({
    // The number of uses is part of the key, so that a new use loads them again.
    queryKey: [...credentialsKey(workspace.id, getKindConfig(credential)), id, 'uses', credential.useCount],
    queryFn: ({ signal }) => (kind === 'access_token' ? api.accessTokens : api.apiKeys).uses(id, { signal }),
    placeholderData: keepPreviousData,
  });
}
