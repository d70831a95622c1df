import { lazy } from 'react';
import { importWhenOnline } from '../connection.ts';
import { CredentialsPage } from '../credentials/credentials-page.tsx';
import { API_KEYS } from '../credentials/kinds.ts';
import { KeyStatus } from './key-status.tsx';

const EditApiKeyDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./edit-api-key-dialog.tsx'))).EditApiKeyDialog,
}));

export function ApiKeysPage() {
  return (
    <CredentialsPage
      kind={API_KEYS}
      renderStatus={(credential) => (credential.kind === 'api_key' ? <KeyStatus apiKey={credential} /> : null)}
      renderEditDialog={(credential, onClose) =>
        credential.kind === 'api_key' ? <EditApiKeyDialog apiKey={credential} onClose={onClose} /> : null
      }
    />
  );
}
