import { Tooltip } from '@mantine/core';
import { DAY } from '../../contract/limits.ts';
import { formatDateTime } from '../components/format.ts';
import { Tag } from '../components/notice.tsx';
import type { Credential } from './kinds.ts';
import { strings } from './strings.ts';

const EXPIRING_SOON_MS = 14 * DAY;

/** The status of a credential: active, inactive, expired, used up, or the days that are left if it expires soon. */
export function CredentialStatusTag({
  credential,
  now = Date.now(),
}: {
  readonly credential: Credential;
  readonly now?: number;
}) {
  const { status, expiresAt } = credential;
  if (status === 'inactive') return <Tag tone="neutral">{strings.statusTag.inactive}</Tag>;
  const remainingMs = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt) - now;
  if (status === 'expired' || remainingMs <= 0) return <Tag tone="danger">{strings.statusTag.expired}</Tag>;
  if (status === 'spent') return <Tag tone="danger">{strings.statusTag.spent}</Tag>;
  if (expiresAt === null || remainingMs > EXPIRING_SOON_MS) return <Tag tone="success">{strings.statusTag.active}</Tag>;
  const days = Math.ceil(remainingMs / DAY);
  return (
    <Tooltip label={formatDateTime(expiresAt)}>
      <span>
        <Tag tone="warning">
          {days === 1 ? strings.statusTag.expiresInLessThanADay : strings.statusTag.expiresInDays(days)}
        </Tag>
      </span>
    </Tooltip>
  );
}
