import { HoverCard, UnstyledButton } from '@mantine/core';
import { Fragment } from 'react';
import { Tag } from '../components/notice.tsx';
import styles from './credentials.module.css';
import type { Right } from './kinds.ts';

const SHOWN = 3;

/** A long word that breaks after an underline where it must. */
function Breakable({ word }: { readonly word: string }) {
  return word.split(/(?<=_)/).map((part, at) => (
    <Fragment key={part}>
      {at > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

/** What it may do, folded past three; the rest on hover, focus or touch. */
export function RightsChips({ rights }: { readonly rights: readonly Right[] }) {
  const shown = rights.slice(0, SHOWN);
  const folded = rights.slice(SHOWN);
  return (
    <div className={styles['chips']}>
      {shown.map((right) => (
        <Tag key={right} tone={right === 'all' ? 'warn' : 'mute'}>
          <Breakable word={right} />
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
                <Tag key={right}>
                  <Breakable word={right} />
                </Tag>
              ))}
            </div>
          </HoverCard.Dropdown>
        </HoverCard>
      )}
    </div>
  );
}
