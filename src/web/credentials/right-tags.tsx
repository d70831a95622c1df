import { HoverCard, UnstyledButton } from '@mantine/core';
import { Tag } from '../components/notice.tsx';
import styles from './credentials.module.css';
import type { Right } from './kinds.ts';
import { strings } from './strings.ts';

const MAX_SHOWN = 3;

/**
 * The scopes or permissions of a credential. All after the first three are shown on hover, focus or touch, and in
 * print.
 */
export function RightTags({ rights }: { readonly rights: readonly Right[] }) {
  const shownRights = rights.slice(0, MAX_SHOWN);
  const moreRights = rights.slice(MAX_SHOWN);
  return (
    <div className={styles['chips']}>
      {shownRights.map((right) => (
        <Tag key={right} tone={right === 'all' ? 'warning' : 'neutral'}>
          {right}
        </Tag>
      ))}
      {moreRights.map((right) => (
        <span key={right} className="print-only" aria-hidden>
          <Tag>{right}</Tag>
        </span>
      ))}
      {moreRights.length > 0 && (
        <HoverCard position="bottom-start" shadow="md">
          <HoverCard.Target>
            <UnstyledButton className="tag tone-neutral">
              +{moreRights.length}
              <span className="visually-hidden">{strings.rightTags.moreRights(moreRights.join(', '))}</span>
            </UnstyledButton>
          </HoverCard.Target>
          <HoverCard.Dropdown>
            <div className={styles['chips']}>
              {moreRights.map((right) => (
                <Tag key={right}>{right}</Tag>
              ))}
            </div>
          </HoverCard.Dropdown>
        </HoverCard>
      )}
    </div>
  );
}
