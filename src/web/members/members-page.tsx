import { ActionIcon, Button, Menu, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Member } from '../../contract/members.ts';
import type { AssignableRole } from '../../contract/vocabulary.ts';
import { getErrorMessage, queryClient } from '../api.ts';
import { type Column, DataTable } from '../components/data-table.tsx';
import { capitalize } from '../components/format.ts';
import {
  IconCrown,
  IconDots,
  IconLogout,
  IconShieldCheck,
  IconUser,
  IconUserMinus,
  IconUserPlus,
} from '../components/icons.ts';
import { useListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ErrorState, TableSkeleton } from '../components/states.tsx';
import { useMe, useWorkspace } from '../session.ts';
import { EndSessionsDialog } from './end-sessions-dialog.tsx';
import { Invitations } from './invitations.tsx';
import { InviteDialog } from './invite-dialog.tsx';
import { RemoveMemberDialog } from './remove-member-dialog.tsx';
import { TransferOwnershipDialog } from './transfer-ownership-dialog.tsx';

type OpenDialog = 'invite' | { readonly end: Member } | { readonly remove: Member } | { readonly handOver: Member };

function columnsFor(myId: string): readonly Column<Member>[] {
  return [
    {
      key: 'name',
      label: 'Name',
      cell: (member) => (
        <>
          <Text fz="sm" fw={600} component="div">
            {member.name} {member.personId === myId && <Tag>You</Tag>}
          </Text>
          <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {member.email}
          </Text>
        </>
      ),
    },
    {
      key: 'role',
      label: 'Role',
      cell: ({ role }) => <Tag tone={role === 'owner' ? 'good' : 'mute'}>{capitalize(role)}</Tag>,
    },
    {
      key: 'twoFactor',
      label: 'Two-factor',
      cell: ({ twoFactor }) =>
        twoFactor ? (
          'On'
        ) : (
          <Text fz="sm" c="dimmed">
            Off
          </Text>
        ),
    },
    { key: 'createdAt', label: 'Joined', cell: ({ createdAt }) => <RelativeTime time={createdAt} /> },
  ];
}

function MemberMenu({ member, open }: { readonly member: Member; readonly open: (dialog: OpenDialog) => void }) {
  const { workspace, api, isOwner } = useWorkspace();
  const change = useMutation({
    mutationFn: (role: AssignableRole) => api.members.update(member.id, { role }),
    onError: (error) => notifications.show({ color: 'red', message: getErrorMessage(error) }),
    onSuccess: async ({ name, role }) => {
      notifications.show({ message: `${name} is now ${role === 'admin' ? 'an admin' : 'a member'}` });
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] });
    },
  });
  const otherRole: AssignableRole = member.role === 'admin' ? 'member' : 'admin';
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${member.name}`} loading={change.isPending}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={otherRole === 'admin' ? <IconShieldCheck size={16} /> : <IconUser size={16} />}
          onClick={() => change.mutate(otherRole)}
        >
          {otherRole === 'admin' ? 'Make admin' : 'Make member'}
        </Menu.Item>
        {isOwner && (
          <Menu.Item leftSection={<IconCrown size={16} />} onClick={() => open({ handOver: member })}>
            Transfer ownership…
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => open({ end: member })}>
          End all sessions…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconUserMinus size={16} />}
          c="var(--app-bad)"
          onClick={() => open({ remove: member })}
        >
          Remove…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** The members of the workspace and the pending invitations. */
export function MembersPage() {
  const me = useMe();
  const { workspace, api, isAdmin } = useWorkspace();
  const state = useListState();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: [workspace.id, 'members', state.cursor],
    queryFn: ({ signal }) => api.members.list({ limit: 50, cursor: state.cursor }, { signal }),
    placeholderData: keepPreviousData,
  });
  const removing = dialog !== null && dialog !== 'invite' && 'remove' in dialog ? dialog.remove : null;
  const endingSessionsOf = dialog !== null && dialog !== 'invite' && 'end' in dialog ? dialog.end : null;
  const newOwner = dialog !== null && dialog !== 'invite' && 'handOver' in dialog ? dialog.handOver : null;

  return (
    <Page
      title="Members"
      description="Owners and admins manage credentials, members and the workspace. Members can view credentials, but not secrets."
      actions={
        isAdmin && (
          <Button leftSection={<IconUserPlus size={18} />} onClick={() => setDialog('invite')}>
            Invite member
          </Button>
        )
      }
    >
      {data !== undefined ? (
        <div>
          <DataTable
            label="Members"
            columns={columnsFor(me.id)}
            rows={data.data}
            rowId={({ id }) => id}
            rowName={({ name }) => name}
            nextCursor={data.nextCursor}
            state={state}
            stale={isPlaceholderData}
            renderRowActions={
              isAdmin
                ? (member) =>
                    member.role === 'owner' || member.personId === me.id ? null : (
                      <MemberMenu member={member} open={setDialog} />
                    )
                : undefined
            }
          />
        </div>
      ) : error !== null ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <TableSkeleton rows={4} />
      )}
      {isAdmin && <Invitations />}
      {isAdmin && <InviteDialog opened={dialog === 'invite'} onClose={close} />}
      {endingSessionsOf !== null && (
        <EndSessionsDialog
          name={endingSessionsOf.name}
          onClose={close}
          end={() => api.members.endSessions(endingSessionsOf.id)}
        />
      )}
      {removing !== null && <RemoveMemberDialog member={removing} onClose={close} />}
      {newOwner !== null && <TransferOwnershipDialog newOwner={newOwner} onClose={close} />}
    </Page>
  );
}
