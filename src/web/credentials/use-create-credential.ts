import { useRef } from 'react';
import type { CreatedAccessToken } from '../../contract/access-tokens.ts';
import type { CreatedApiKey } from '../../contract/api-keys.ts';
import { isUnrestricted } from '../../contract/unrestricted.ts';
import type { Permission, Scope } from '../../contract/vocabulary.ts';
import { useWorkspace } from '../session.ts';
import type { CredentialRequest } from './credential-form-values.ts';
import type { Credential, CredentialKindConfig } from './kinds.ts';
import { refetchCredentials } from './refetch-credentials.ts';

/** Returns an unguessable, unique value. `crypto.randomUUID` is only available over HTTPS and on localhost. */
function randomIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export type CreatedCredential = CreatedAccessToken | CreatedApiKey;

/**
 * The data shown once after creation: the credential with its secret, and the passphrase if the web UI generated it.
 */
export interface RevealedCredential {
  readonly created: CreatedCredential;
  readonly passphrase: string | null;
}

/**
 * Returns a function that creates a credential. Its result contains the secret, which is not cached. If the response is
 * lost, sending the same request again does not create a second credential. `replaced` is the credential that
 * the new one replaces, if any.
 */
export function useCreateCredential(
  kind: CredentialKindConfig,
  replaced?: Credential,
): (request: CredentialRequest) => Promise<RevealedCredential> {
  const { api, workspace } = useWorkspace();
  const lastRequest = useRef({ requestText: '', idempotencyKey: '' });
  return async (request) => {
    const requestText = JSON.stringify(request);
    if (lastRequest.current.requestText !== requestText)
      lastRequest.current = { requestText, idempotencyKey: randomIdempotencyKey() };
    const { idempotencyKey } = lastRequest.current;
    const { name, description, rights, passphrase, expiresAt, active, guard, restrictions } = request;
    const commonFields = {
      name,
      expiresAt,
      ...(!isUnrestricted(restrictions) && { restrictions }),
      ...(replaced !== undefined && { replaces: replaced.id }),
    };
    const create = (): Promise<CreatedCredential> =>
      kind.kind === 'access_token'
        ? api.accessTokens.create(
            {
              ...commonFields,
              scopes: rights as Scope[],
              passphrase: passphrase === '' ? null : passphrase,
            },
            { idempotencyKey },
          )
        : api.apiKeys.create(
            {
              ...commonFields,
              description: description.trim() === '' ? null : description,
              permissions: rights as Permission[],
              active,
              guard,
            },
            { idempotencyKey },
          );
    const created = await create();
    lastRequest.current = { requestText: '', idempotencyKey: '' };
    void refetchCredentials(workspace.id, kind);
    return { created, passphrase: request.isPassphraseGenerated ? request.passphrase : null };
  };
}
