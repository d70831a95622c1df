import { Tooltip } from '@mantine/core';
import { DAY } from '../../contract/words.ts';
import { exactTime } from '../components/format.ts';
import { Tag } from '../components/notice.tsx';
import type { Credential } from './kinds.ts';

const SOON = 14 * DAY;

/** Active, inactive, expired, or how many days are left when they are few. */
export function StatusTag({
  credential,
  now = Date.now(),
}: {
  readonly credential: Credential;
  readonly now?: number;
}) {
  const { status, expiresAt } = credential;
  if (status === 'inactive') return <Tag tone="mute">Inactive</Tag>;
  const left = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt) - now;
  if (status === 'expired' || left <= 0) return <Tag tone="bad">Expired</Tag>;
  if (expiresAt === null || left > SOON) return <Tag tone="good">Active</Tag>;
  const days = Math.ceil(left / DAY);
  return (
    <Tooltip label={exactTime(expiresAt)}>
      <span>
        <Tag tone="warn">{days === 1 ? 'Expires within a day' : `Expires in ${days} days`}</Tag>
      </span>
    </Tooltip>
  );
}
