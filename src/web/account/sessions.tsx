import { Button, Text } from '@mantine/core';
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
import { strings } from './strings.ts';
import { describeUserAgent } from './user-agent.ts';

const SESSIONS_KEY = ['sessions'];

/** The person's sessions, with buttons that end them. */
export function SessionsSection() {
  const list = useInfiniteList(SESSIONS_KEY, api.sessions.list, 20);
  const [sessionToEnd, setSessionToEnd] = useState<Session | 'others' | null>(null);

  if (list.error !== null) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  if (list.data === undefined) return <BlockSkeleton height={180} />;
  const sessions = list.data;
  return (
    <Section
      title={strings.sessions.title}
      description={strings.sessions.description}
      actions={
        sessions.length > 1 && (
          <Button variant="default" onClick={() => setSessionToEnd('others')}>
            {strings.sessions.endAllOtherSessions}
          </Button>
        )
      }
    >
      <ItemList label={strings.sessions.title}>
        {sessions.map((session) => (
          <ItemListRow
            key={session.id}
            icon={session.kind === 'device' ? <IconTerminal2 size={18} /> : <IconDeviceDesktop size={18} />}
            title={
              <>
                {describeUserAgent(session.userAgent)}
                {session.current && <Tag tone="success">{strings.sessions.thisSession}</Tag>}
                {session.kind === 'device' && <Tag>{strings.sessions.commandLine}</Tag>}
              </>
            }
            note={strings.sessions.note({
              address: session.address ?? strings.sessions.unknownAddress,
              signedIn: <RelativeTime time={session.createdAt} withDate />,
              lastUsed: <RelativeTime time={session.lastUsedAt} withDate />,
            })}
            actions={
              !session.current && (
                <Button
                  variant="default"
                  size="xs"
                  aria-label={strings.sessions.endSessionOf(describeUserAgent(session.userAgent))}
                  onClick={() => setSessionToEnd(session)}
                >
                  {strings.sessions.end}
                </Button>
              )
            }
          />
        ))}
      </ItemList>
      <LoadMoreButton list={list} label={strings.sessions.showOlderSessions} />
      {sessionToEnd !== null && (
        <ConfirmDialog
          onClose={() => setSessionToEnd(null)}
          title={sessionToEnd === 'others' ? strings.sessions.endAllOtherSessions : strings.sessions.endSession}
          confirmLabel={sessionToEnd === 'others' ? strings.sessions.endSessions : strings.sessions.endSession}
          onConfirm={async () => {
            await (sessionToEnd === 'others' ? api.sessions.deleteOthers() : api.sessions.delete(sessionToEnd.id));
            notifications.show({
              message: sessionToEnd === 'others' ? strings.sessions.sessionsEnded : strings.sessions.sessionEnded,
            });
            await queryClient.invalidateQueries({ queryKey: SESSIONS_KEY });
          }}
        >
          <Text fz="sm">
            {sessionToEnd === 'others'
              ? strings.sessions.othersAreSignedOut
              : strings.sessions.isSignedOut(
                  describeUserAgent(sessionToEnd.userAgent),
                  <RelativeTime time={sessionToEnd.createdAt} />,
                )}
          </Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
