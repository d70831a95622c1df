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

/** Reloads the list of sessions, for example after a change that ends other sessions. */
export const refetchSessions = () => queryClient.invalidateQueries({ queryKey: SESSIONS_KEY });

/** `others` stands for all sessions except the current one. */
type SessionToEnd = Session | 'others';

interface SessionRowProps {
  readonly session: Session;
  readonly onEnd: () => void;
}

function SessionRow({ session, onEnd }: SessionRowProps) {
  const client = describeUserAgent(session.userAgent);
  const isCommandLine = session.kind === 'device';
  return (
    <ItemListRow
      icon={isCommandLine ? <IconTerminal2 size={18} /> : <IconDeviceDesktop size={18} />}
      title={
        <>
          {client}
          {session.current && <Tag tone="success">{strings.sessions.thisSession}</Tag>}
          {isCommandLine && <Tag>{strings.sessions.commandLine}</Tag>}
        </>
      }
      note={strings.sessions.note({
        address: session.address ?? strings.sessions.unknownAddress,
        signedIn: <RelativeTime time={session.createdAt} withDate />,
        lastUsed: <RelativeTime time={session.lastUsedAt} withDate />,
      })}
      actions={
        !session.current && (
          <Button variant="default" size="xs" aria-label={strings.sessions.endSessionOf(client)} onClick={onEnd}>
            {strings.sessions.end}
          </Button>
        )
      }
    />
  );
}

interface EndSessionDialogProps {
  readonly sessionToEnd: SessionToEnd;
  readonly onClose: () => void;
}

function EndSessionDialog({ sessionToEnd, onClose }: EndSessionDialogProps) {
  async function end(deleteSessions: () => Promise<unknown>, message: string): Promise<void> {
    await deleteSessions();
    notifications.show({ message });
    await refetchSessions();
  }
  if (sessionToEnd === 'others') {
    return (
      <ConfirmDialog
        onClose={onClose}
        title={strings.sessions.endAllOtherSessions}
        confirmLabel={strings.sessions.endSessions}
        onConfirm={() => end(() => api.sessions.deleteOthers(), strings.sessions.sessionsEnded)}
      >
        <Text fz="sm">{strings.sessions.othersAreSignedOut}</Text>
      </ConfirmDialog>
    );
  }
  return (
    <ConfirmDialog
      onClose={onClose}
      title={strings.sessions.endSession}
      confirmLabel={strings.sessions.endSession}
      onConfirm={() => end(() => api.sessions.delete(sessionToEnd.id), strings.sessions.sessionEnded)}
    >
      <Text fz="sm">
        {strings.sessions.isSignedOut(
          describeUserAgent(sessionToEnd.userAgent),
          <RelativeTime time={sessionToEnd.createdAt} />,
        )}
      </Text>
    </ConfirmDialog>
  );
}

/** The person's sessions, with buttons that end all but the current one. */
export function SessionsSection() {
  const list = useInfiniteList(SESSIONS_KEY, api.sessions.list, 20);
  const [sessionToEnd, setSessionToEnd] = useState<SessionToEnd | null>(null);

  if (list.error !== null) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  if (list.data === undefined) return <BlockSkeleton height={180} />;
  return (
    <Section
      title={strings.sessions.title}
      description={strings.sessions.description}
      actions={
        list.data.length > 1 && (
          <Button variant="default" onClick={() => setSessionToEnd('others')}>
            {strings.sessions.endAllOtherSessions}
          </Button>
        )
      }
    >
      <ItemList label={strings.sessions.title}>
        {list.data.map((session) => (
          <SessionRow key={session.id} session={session} onEnd={() => setSessionToEnd(session)} />
        ))}
      </ItemList>
      <LoadMoreButton list={list} label={strings.sessions.showOlderSessions} />
      {sessionToEnd !== null && <EndSessionDialog sessionToEnd={sessionToEnd} onClose={() => setSessionToEnd(null)} />}
    </Section>
  );
}
