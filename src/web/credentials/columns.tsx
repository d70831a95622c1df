import { Text, Tooltip } from '@mantine/core';
import type { Column } from '../components/data-table.tsx';
import { IconLock } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { dimmed } from '../components/text.tsx';
import styles from './credentials.module.css';
import { type Credential, type CredentialKindConfig, getRights, hasPassphrase } from './kinds.ts';
import { RightTags } from './rights-chips.tsx';
import { CredentialStatusTag } from './status-tag.tsx';

function CredentialName({
  kind,
  credential,
}: {
  readonly kind: CredentialKindConfig;
  readonly credential: Credential;
}) {
  const description = credential.kind === 'api_key' ? credential.description : null;
  return (
    <div>
      <NameLink to={`${kind.path}/$id`} params={{ id: credential.id }}>
        {credential.name}
      </NameLink>
      {description !== null && description !== '' && <div className={styles['described']}>{description}</div>}
      <Text component="div" className={`mono ${styles['hint']}`}>
        …{credential.hint}
        {hasPassphrase(credential) && (
          <Tooltip label="Passphrase required">
            <IconLock
              size={13}
              role="img"
              aria-label="Passphrase required"
              style={{ marginLeft: 6, verticalAlign: '-1px' }}
            />
          </Tooltip>
        )}
      </Text>
    </div>
  );
}

/** The columns shared by access tokens and API keys. */
export function credentialColumns(kind: CredentialKindConfig): Column<Credential>[] {
  return [
    {
      key: 'name',
      label: 'Name',
      sort: 'name',
      cell: (credential) => <CredentialName kind={kind} credential={credential} />,
    },
    { key: 'rights', label: kind.rightsLabel, cell: (credential) => <RightTags rights={getRights(credential)} /> },
    { key: 'status', label: 'Status', cell: (credential) => <CredentialStatusTag credential={credential} /> },
    {
      key: 'created',
      label: 'Created',
      sort: 'createdAt',
      cell: ({ createdAt, createdBy }) => (
        <TimeCell
          time={createdAt}
          note={
            <Text span inherit display="block" truncate maw={120} title={createdBy?.email}>
              {createdBy === null ? 'by a former member' : `by ${createdBy.name}`}
            </Text>
          }
        />
      ),
    },
    {
      key: 'expires',
      label: 'Expires',
      sort: 'expiresAt',
      cell: ({ expiresAt }) => (expiresAt === null ? dimmed('Never') : <TimeCell time={expiresAt} />),
    },
    {
      key: 'used',
      label: 'Last used',
      sort: 'lastUsedAt',
      cell: (credential) =>
        credential.lastUsedAt === null ? dimmed('Never') : <TimeCell time={credential.lastUsedAt} relative />,
    },
    {
      key: 'uses',
      label: 'Uses',
      sort: 'useCount',
      align: 'right',
      cell: (credential) => credential.useCount.toLocaleString('en'),
    },
  ];
}
