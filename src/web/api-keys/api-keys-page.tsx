import { lazy } from 'react';
import type { Column } from '../components/data-table.tsx';
import { CredentialsPage } from '../credentials/credentials-page.tsx';
import { API_KEYS, type Credential } from '../credentials/kinds.ts';
import { ActiveSwitch } from './active-switch.tsx';

const EditDialog = lazy(async () => ({ default: (await import('./edit-dialog.tsx')).EditDialog }));

const ACTIVE: Column<Credential> = {
  key: 'active',
  label: 'Active',
  cell: (one) => (one.kind === 'api_key' ? <ActiveSwitch apiKey={one} /> : null),
};

export function ApiKeysPage() {
  return (
    <CredentialsPage
      kind={API_KEYS}
      more={[ACTIVE]}
      editor={(credential, onClose) =>
        credential.kind === 'api_key' ? <EditDialog apiKey={credential} onClose={onClose} /> : null
      }
    />
  );
}
