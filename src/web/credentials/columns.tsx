import { Text, Tooltip } from '@mantine/core';
import type { Column } from '../components/data-table.tsx';
import { formatDate, formatDateTime } from '../components/format.ts';
import { IconLock } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
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

function DateCell({ time }: { readonly time: string }) {
  return (
    <Tooltip label={formatDateTime(time)}>
      <time dateTime={time} style={{ whiteSpace: 'nowrap' }}>
        {formatDate(time)}
      </time>
    </Tooltip>
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
      cell: (credential) => (
        <>
          <span style={{ whiteSpace: 'nowrap' }}>
            <RelativeTime time={credential.createdAt} />
          </span>
          <Text fz="xs" c="dimmed" truncate maw={120} title={credential.createdBy?.email}>
            {credential.createdBy === null ? 'by a former member' : `by ${credential.createdBy.name}`}
          </Text>
        </>
      ),
    },
    {
      key: 'expires',
      label: 'Expires',
      sort: 'expiresAt',
      cell: ({ expiresAt }) => (expiresAt === null ? dimmed('Never') : <DateCell time={expiresAt} />),
    },
    {
      key: 'used',
      label: 'Last used',
      sort: 'lastUsedAt',
      cell: (credential) =>
        credential.lastUsedAt === null ? (
          dimmed('Never')
        ) : (
          <span style={{ whiteSpace: 'nowrap' }}>
            <RelativeTime time={credential.lastUsedAt} />
          </span>
        ),
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
