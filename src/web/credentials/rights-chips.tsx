import { HoverCard, UnstyledButton } from '@mantine/core';
import { Fragment } from 'react';
import { Tag } from '../components/notice.tsx';
import styles from './credentials.module.css';
import type { Right } from './kinds.ts';
import { strings } from './strings.ts';

const MAX_SHOWN = 3;

/** Allows a line break after each underscore. */
function BreakableWord({ word }: { readonly word: string }) {
  return word.split(/(?<=_)/).map((part, index) => (
    <Fragment key={part}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

/** The scopes or permissions of a credential. More than three are folded and shown on hover, focus or touch. */
export function RightTags({ rights }: { readonly rights: readonly Right[] }) {
  const shown = rights.slice(0, MAX_SHOWN);
  const folded = rights.slice(MAX_SHOWN);
  return (
    <div className={styles['chips']}>
      {shown.map((right) => (
        <Tag key={right} tone={right === 'all' ? 'warn' : 'mute'}>
          <BreakableWord word={right} />
        </Tag>
      ))}
      {folded.length > 0 && (
        <HoverCard position="bottom-start" shadow="md">
          <HoverCard.Target>
            <UnstyledButton className="tag tone-mute">
              +{folded.length}
              <span className="visually-hidden">{strings.rightsChips.moreRights(folded.join(', '))}</span>
            </UnstyledButton>
          </HoverCard.Target>
          <HoverCard.Dropdown>
            <div className={styles['chips']}>
              {folded.map((right) => (
                <Tag key={right}>
                  <BreakableWord word={right} />
                </Tag>
              ))}
            </div>
          </HoverCard.Dropdown>
        </HoverCard>
      )}
    </div>
  );
}
