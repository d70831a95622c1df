import { HoverCard, UnstyledButton } from '@mantine/core';
import { Tag } from '../components/notice.tsx';
import styles from './credentials.module.css';
import type { Right } from './kinds.ts';

const SHOWN = 3;

/** What it may do, folded past three; the rest on hover, focus or touch. */
export function RightsChips({ rights }: { readonly rights: readonly Right[] }) {
  const fits = rights.length <= SHOWN + 1;
  const shown = fits ? rights : rights.slice(0, SHOWN);
  const folded = fits ? [] : rights.slice(SHOWN);
  return (
    <div className={styles['chips']}>
      {shown.map((right) => (
        <Tag key={right} tone={right === 'all' ? 'warn' : 'mute'}>
          {right}
        </Tag>
      ))}
      {folded.length > 0 && (
        <HoverCard position="bottom-start" shadow="md">
          <HoverCard.Target>
            <UnstyledButton className="tag tone-mute">
              +{folded.length}
              <span className="visually-hidden"> more: {folded.join(', ')}</span>
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
