import { HoverCard, UnstyledButton } from '@mantine/core';
import { Tag } from '../components/notice.tsx';
import styles from './credentials.module.css';
import type { Right } from './kinds.ts';
import { strings } from './strings.ts';

const MAX_SHOWN = 3;

/** The scopes or permissions of a credential. All after the first three are shown on hover, focus or touch, and in print. */
export function RightTags({ rights }: { readonly rights: readonly Right[] }) {
  const shown = rights.slice(0, MAX_SHOWN);
  const folded = rights.slice(MAX_SHOWN);
  return (
    <div className={styles['chips']}>
      {shown.map((right) => (
        <Tag key={right} tone={right === 'all' ? 'warning' : 'neutral'}>
          {right}
        </Tag>
      ))}
      {folded.map((right) => (
        <span key={right} className="print-only" aria-hidden>
          <Tag>{right}</Tag>
        </span>
      ))}
      {folded.length > 0 && (
        <HoverCard position="bottom-start" shadow="md">
          <HoverCard.Target>
            <UnstyledButton className="tag tone-neutral">
              +{folded.length}
              <span className="visually-hidden">{strings.rightTags.moreRights(folded.join(', '))}</span>
            </UnstyledButton>
          </HoverCard.Target>
          <HoverCard.Dropdown>
            <div className={styles['chips']}>
              {folded.map((right) => (
                <Tag key={right}>{right}</Tag>
              ))}
            </div>
          </HoverCard.Dropdown>
        </HoverCard>
      )}
    </div>
  );
}
