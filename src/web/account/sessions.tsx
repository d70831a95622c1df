import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { Session } from '../../contract/sessions.ts';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { IconDeviceDesktop, IconTerminal2 } from '../components/icons.ts';
import { LoadMoreButton, useInfiniteList } from '../components/infinite-list.tsx';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Tag } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { describeUserAgent } from './user-agent.ts';

const SESSIONS_KEY = ['sessions'];

/** The person's sessions, with buttons that end them. */
export function SessionsSection() {
  const list = useInfiniteList(SESSIONS_KEY, api.sessions.list, 20);
  const [ending, setEnding] = useState<Session | 'others' | null>(null);

  if (list.error !== null) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  if (list.data === undefined) return <BlockSkeleton height={180} />;
  const sessions = list.data;
  return (
    <Section
      title="Sessions"
      description="Where you are signed in. End any session you don't recognize, then change your password."
      actions={
        sessions.length > 1 && (
          <Button variant="default" onClick={() => setEnding('others')}>
            End all other sessions
          </Button>
        )
      }
    >
      <ItemList label="Sessions">
        {sessions.map((session) => (
          <ItemListRow
            key={session.id}
            icon={session.kind === 'device' ? <IconTerminal2 size={18} /> : <IconDeviceDesktop size={18} />}
            title={
              <>
                {describeUserAgent(session.userAgent)}
                {session.current && <Tag tone="good">This session</Tag>}
                {session.kind === 'device' && <Tag>Command line</Tag>}
              </>
            }
            note={
              <>
                {session.address ?? 'Unknown address'} · signed in <RelativeTime time={session.createdAt} withDate /> ·
                last used <RelativeTime time={session.lastUsedAt} withDate />
              </>
            }
            actions={
              !session.current && (
                <Button
                  variant="default"
                  size="xs"
                  aria-label={`End session: ${describeUserAgent(session.userAgent)}`}
                  onClick={() => setEnding(session)}
                >
                  End
                </Button>
              )
            }
          />
        ))}
      </ItemList>
      <LoadMoreButton list={list} label="Show older sessions" />
      {ending !== null && (
        <ConfirmDialog
          onClose={() => setEnding(null)}
          title={ending === 'others' ? 'End all other sessions' : 'End session'}
          confirmLabel={ending === 'others' ? 'End sessions' : 'End session'}
          onConfirm={async () => {
            await (ending === 'others' ? api.sessions.deleteOthers() : api.sessions.delete(ending.id));
            notifications.show({ message: ending === 'others' ? 'Sessions ended' : 'Session ended' });
            await queryClient.invalidateQueries({ queryKey: SESSIONS_KEY });
          }}
        >
          {ending === 'others' ? (
            'You are signed out of every other browser and command line immediately.'
          ) : (
            <>
              {describeUserAgent(ending.userAgent)}, signed in <RelativeTime time={ending.createdAt} />, is signed out
              immediately.
            </>
          )}
        </ConfirmDialog>
      )}
    </Section>
  );
}
