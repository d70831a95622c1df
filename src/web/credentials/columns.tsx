import { Text, Tooltip } from '@mantine/core';
import type { Column } from '../components/data-table.tsx';
import { dayOf, exactTime } from '../components/format.ts';
import { IconLock } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { Ago } from '../components/time.tsx';
import styles from './credentials.module.css';
import { type Credential, hasPassphrase, type Kind, rightsOf } from './kinds.ts';
import { RightsChips } from './rights-chips.tsx';
import { StatusTag } from './status.tsx';

function Name({ kind, credential }: { readonly kind: Kind; readonly credential: Credential }) {
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
          <Tooltip label="Asks for a passphrase">
            <IconLock
              size={13}
              role="img"
              aria-label="Asks for a passphrase"
              style={{ marginLeft: 6, verticalAlign: '-1px' }}
            />
          </Tooltip>
        )}
      </Text>
    </div>
  );
}

function Day({ at }: { readonly at: string }) {
  return (
    <Tooltip label={exactTime(at)}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {dayOf(at)}
      </time>
    </Tooltip>
  );
}

/** The columns that tokens and keys have in common. */
export function credentialColumns(kind: Kind): Column<Credential>[] {
  return [
    { key: 'name', label: 'Name', sort: 'name', cell: (one) => <Name kind={kind} credential={one} /> },
    { key: 'rights', label: kind.rightsLabel, cell: (one) => <RightsChips rights={rightsOf(one)} /> },
    { key: 'status', label: 'Status', cell: (one) => <StatusTag credential={one} /> },
    {
      key: 'created',
      label: 'Created',
      sort: 'createdAt',
      cell: (one) => (
        <>
          <span style={{ whiteSpace: 'nowrap' }}>
            <Ago at={one.createdAt} />
          </span>
          <Text fz="xs" c="dimmed" truncate maw={120} title={one.createdBy?.email}>
            {one.createdBy === null ? 'by a former member' : `by ${one.createdBy.name}`}
          </Text>
        </>
      ),
    },
    {
      key: 'expires',
      label: 'Expires',
      sort: 'expiresAt',
      cell: (one) =>
        one.expiresAt === null ? (
          <Text span inherit c="dimmed">
            Never
          </Text>
        ) : (
          <Day at={one.expiresAt} />
        ),
    },
    {
      key: 'used',
      label: 'Last used',
      sort: 'lastUsedAt',
      cell: (one) =>
        one.lastUsedAt === null ? (
          <Text span inherit c="dimmed">
            Never
          </Text>
        ) : (
          <span style={{ whiteSpace: 'nowrap' }}>
            <Ago at={one.lastUsedAt} />
          </span>
        ),
    },
    { key: 'uses', label: 'Uses', sort: 'useCount', align: 'right', cell: (one) => one.useCount.toLocaleString('en') },
  ];
}
