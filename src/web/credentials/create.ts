import { useRef } from 'react';
import type { CreatedAccessToken, CreatedApiKey } from '../../contract/schemas.ts';
import type { Permission, Scope } from '../../contract/words.ts';
import { queryClient } from '../api.ts';
import { useWorkspace } from '../session.ts';
import type { CredentialWish } from './credential-form.tsx';
import { credentialsKey, type Kind } from './kinds.ts';

export type Created = CreatedAccessToken | CreatedApiKey;

/**
 * Creates a credential. The answer with its secret goes to the caller alone, through no cache.
 * Asking again for the very same, after an answer was lost, creates nothing twice.
 */
export function useCreate(kind: Kind): (wish: CredentialWish) => Promise<Created> {
  const { api, workspace } = useWorkspace();
  const last = useRef({ wish: '', idempotencyKey: '' });
  return async (wish) => {
    const text = JSON.stringify(wish);
    if (last.current.wish !== text) last.current = { wish: text, idempotencyKey: crypto.randomUUID() };
    const { idempotencyKey } = last.current;
    const { name, description, rights, passphrase, expiresAt, active, guard } = wish;
    const create = (): Promise<Created> =>
      kind.kind === 'access_token'
        ? api.accessTokens.create(
            { name, scopes: rights as Scope[], passphrase: passphrase === '' ? null : passphrase, expiresAt },
            { idempotencyKey },
          )
        : api.apiKeys.create(
            {
              name,
              description: description.trim() === '' ? null : description,
              permissions: rights as Permission[],
              expiresAt,
              active,
              guard,
            },
            { idempotencyKey },
          );
    const created = await create();
    last.current = { wish: '', idempotencyKey: '' };
    void queryClient.invalidateQueries({ queryKey: credentialsKey(workspace.id, kind) });
    return created;
  };
}
