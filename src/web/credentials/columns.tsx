import { Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { DAY } from '../../contract/limits.ts';
import type { Policy } from '../../contract/policy.ts';
import type { Column } from '../components/data-table.tsx';
import { formatDate, formatRelativeTime } from '../components/format.ts';
import { IconLock } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { dimmed } from '../components/text.tsx';
import { getPolicyExpiry } from '../policy/violated-rules.ts';
import styles from './credentials.module.css';
import { type Credential, type CredentialKindConfig, getRights, hasPassphrase, hintText } from './kinds.ts';
import { RightTags } from './right-tags.tsx';
import { isShownBelowItsPredecessor } from './rotation.ts';
import { RotationNote } from './rotation-note.tsx';
import { CredentialStatusTag } from './status-tag.tsx';
import { strings } from './strings.ts';

interface RotationContext {
  /** The credentials in the list, each replacement below the credential that it replaces. */
  readonly rows: readonly Credential[];
  /** Resumes the rotation of a credential. Omitted for members. */
  readonly onContinue?: ((credential: Credential) => void) | undefined;
}

/** A note about the rotation of a credential, without details if the row above already shows them. */
function RotationCell({ credential, rows, onContinue }: RotationContext & { readonly credential: Credential }) {
  if (isShownBelowItsPredecessor(credential, rows)) {
    return <div className={styles['rotation']}>{strings.columns.replacesTheOneAbove}</div>;
  }
  return (
    <RotationNote
      credential={credential}
      loaded={rows}
      onContinue={onContinue === undefined ? undefined : () => onContinue(credential)}
    />
  );
}

interface CredentialNameProps extends RotationContext {
  readonly kind: CredentialKindConfig;
  readonly credential: Credential;
}

function CredentialName({ kind, credential, ...rotation }: CredentialNameProps) {
  const description = credential.kind === 'api_key' ? credential.description : null;
  return (
    <div>
      <NameLink to={`${kind.path}/$id`} params={{ id: credential.id }}>
        {credential.name}
      </NameLink>
      {description !== null && description !== '' && <div className={styles['description']}>{description}</div>}
      <Text component="div" className={`mono ${styles['hint']}`}>
        {hintText(credential)}
        {hasPassphrase(credential) && (
          <Tooltip label={strings.columns.passphraseRequired}>
            <IconLock
              size={13}
              role="img"
              aria-label={strings.columns.passphraseRequired}
              style={{ marginLeft: 6, verticalAlign: '-1px' }}
            />
          </Tooltip>
        )}
      </Text>
      <RotationCell credential={credential} {...rotation} />
    </div>
  );
}

/**
 * Describes when the policy ends a credential and, if the policy does not apply yet, the date from which it applies.
 */
function describePolicyExpiry({ expiresAt, from }: { readonly expiresAt: string; readonly from: string }): string {
  const days = Math.ceil((Date.parse(expiresAt) - Date.now()) / DAY);
  const remaining = days > 1 ? strings.columns.inDays(days) : formatRelativeTime(expiresAt);
  return Date.parse(from) > Date.now()
    ? strings.columns.byPolicyFrom(remaining, formatDate(from))
    : strings.columns.byPolicy(remaining);
}

interface ColumnOptions extends RotationContext {
  /** Renders the status; by default a tag. */
  readonly renderStatus?: ((credential: Credential) => ReactNode) | undefined;
  /** Undefined for members, who cannot read the policy. */
  readonly policy: Policy | undefined;
}

/** Describes who created a credential, or how it was issued. */
function describeCreator(credential: Credential): string {
  const { createdBy } = credential;
  if (createdBy !== null) return strings.columns.createdBy(createdBy.name);
  if (credential.kind === 'api_key' || credential.origin === 'person') return strings.columns.createdByFormerMember;
  return strings.columns.issued[credential.origin];
}

/** Returns the columns shared by access tokens and API keys. */
export function credentialColumns(kind: CredentialKindConfig, options: ColumnOptions): Column<Credential>[] {
  const { renderStatus, policy, ...rotation } = options;
  return [
    {
      key: 'name',
      label: strings.columns.name,
      sort: 'name',
      cell: (credential) => <CredentialName kind={kind} credential={credential} {...rotation} />,
    },
    {
      key: 'rights',
      label: kind.rightsLabel,
      width: '20%',
      wide: true,
      cell: (credential) => <RightTags rights={getRights(credential)} />,
    },
    {
      key: 'status',
      label: strings.columns.status,
      // Wide enough for a tag and a switch side by side.
      ...(renderStatus !== undefined && { width: 150 }),
      cell: renderStatus ?? ((credential) => <CredentialStatusTag credential={credential} />),
    },
    {
      key: 'created',
      label: strings.columns.created,
      sort: 'createdAt',
      cell: (credential) => (
        <TimeCell
          time={credential.createdAt}
          note={
            <Text span inherit display="block" truncate maw={120} title={credential.createdBy?.email}>
              {describeCreator(credential)}
            </Text>
          }
        />
      ),
    },
    {
      key: 'expires',
      label: strings.columns.expires,
      sort: 'expiresAt',
      cell: (credential) => {
        const { expiresAt, status } = credential;
        if (expiresAt === null) return dimmed(strings.columns.never);
        const policyExpiry = status === 'expired' ? null : getPolicyExpiry(policy, credential);
        return (
          <TimeCell time={expiresAt} note={policyExpiry === null ? undefined : describePolicyExpiry(policyExpiry)} />
        );
      },
    },
    {
      key: 'used',
      label: strings.columns.lastUsed,
      sort: 'lastUsedAt',
      cell: (credential) =>
        credential.lastUsedAt === null ? (
          dimmed(strings.columns.never)
        ) : (
          <TimeCell time={credential.lastUsedAt} relative />
        ),
    },
    {
      key: 'uses',
      label: strings.columns.uses,
      sort: 'useCount',
      align: 'right',
      cell: (credential) => credential.useCount.toLocaleString('en'),
    },
  ];
}
