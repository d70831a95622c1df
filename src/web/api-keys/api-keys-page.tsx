import { lazy } from 'react';
import type { Column } from '../components/data-table.tsx';
import { importWhenOnline } from '../connection.ts';
import { CredentialsPage } from '../credentials/credentials-page.tsx';
import { API_KEYS, type Credential } from '../credentials/kinds.ts';
import { ActiveSwitch } from './active-switch.tsx';
import { strings } from './strings.ts';

const EditApiKeyDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./edit-api-key-dialog.tsx'))).EditApiKeyDialog,
}));

const ACTIVE_COLUMN: Column<Credential> = {
  key: 'active',
  label: strings.apiKeysPage.activeColumn,
  cell: (credential) => (credential.kind === 'api_key' ? <ActiveSwitch apiKey={credential} /> : null),
};

export function ApiKeysPage() {
  return (
    <CredentialsPage
      kind={API_KEYS}
      extraColumns={[ACTIVE_COLUMN]}
      renderEditDialog={(credential, onClose) =>
        credential.kind === 'api_key' ? <EditApiKeyDialog apiKey={credential} onClose={onClose} /> : null
      }
    />
  );
}
