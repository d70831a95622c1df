import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Member } from '../../contract/members.ts';
import type { AssignableRole } from '../../contract/vocabulary.ts';
import { queryClient } from '../api.ts';
import type { Column } from '../components/data-table.tsx';
import { capitalize } from '../components/format.ts';
import { IconCrown, IconLogout, IconShieldCheck, IconUser, IconUserMinus, IconUserPlus } from '../components/icons.ts';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { RowMenu } from '../components/row-menu.tsx';
import { DimmedText } from '../components/text.tsx';
import { useList } from '../components/use-list.ts';
import { useMe, useWorkspace } from '../session.ts';
import { EndSessionsDialog } from './end-sessions-dialog.tsx';
import { Invitations } from './invitations.tsx';
import { InviteDialog } from './invite-dialog.tsx';
import { RemoveMemberDialog } from './remove-member-dialog.tsx';
import { strings } from './strings.ts';
import { TransferOwnershipDialog } from './transfer-ownership-dialog.tsx';

type OpenDialog =
  | 'invite'
  | { readonly endSessionsOf?: Member; readonly memberToRemove?: Member; readonly transferTo?: Member };

function columnsFor(myId: string): readonly Column<Member>[] {
  return [
    {
      key: 'name',
      label: strings.membersPage.name,
      cell: (member) => (
        <>
          <Text fz="sm" fw={600} component="div">
            <bdi>{member.name}</bdi> {member.personId === myId && <Tag>{strings.membersPage.you}</Tag>}
          </Text>
          <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {member.email}
          </Text>
        </>
      ),
    },
    {
      key: 'role',
      label: strings.membersPage.role,
      cell: ({ role }) => <Tag tone={role === 'owner' ? 'success' : 'neutral'}>{capitalize(role)}</Tag>,
    },
    {
      key: 'twoFactor',
      label: strings.membersPage.twoFactor,
      cell: ({ twoFactor }) =>
        twoFactor ? strings.membersPage.on : <DimmedText>{strings.membersPage.off}</DimmedText>,
    },
    { key: 'createdAt', label: strings.membersPage.joined, cell: ({ createdAt }) => <TimeCell time={createdAt} /> },
  ];
}

function MemberMenu({ member, open }: { readonly member: Member; readonly open: (dialog: OpenDialog) => void }) {
  const { workspace, api, isOwner } = useWorkspace();
  const change = useMutation({
    mutationFn: (role: AssignableRole) => api.members.update(member.id, { role }),
    onError: notifyError,
    onSuccess: async ({ name, role }) => {
      notifications.show({
        message: role === 'admin' ? strings.membersPage.isNowAdmin(name) : strings.membersPage.isNowMember(name),
      });
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] });
    },
  });
  return (
    <RowMenu
      name={member.name}
      loading={change.isPending}
      actions={[
        member.role === 'admin'
          ? { label: strings.membersPage.makeMember, Icon: IconUser, onSelect: () => change.mutate('member') }
          : { label: strings.membersPage.makeAdmin, Icon: IconShieldCheck, onSelect: () => change.mutate('admin') },
        isOwner && {
          label: strings.membersPage.transferOwnership,
          Icon: IconCrown,
          onSelect: () => open({ transferTo: member }),
        },
        {
          label: strings.membersPage.endAllSessions,
          Icon: IconLogout,
          onSelect: () => open({ endSessionsOf: member }),
        },
        {
          label: strings.membersPage.remove,
          Icon: IconUserMinus,
          onSelect: () => open({ memberToRemove: member }),
          destructive: true,
        },
      ]}
    />
  );
}

/** The members of the workspace and the pending invitations. */
export function MembersPage() {
  const me = useMe();
  const { workspace, api, isAdmin } = useWorkspace();
  const state = useListState();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const list = useList([workspace.id, 'members'], api.members.list, { limit: 50, cursor: state.cursor });
  const { endSessionsOf, memberToRemove, transferTo } = dialog === null || dialog === 'invite' ? {} : dialog;

  return (
    <Page
      title={strings.membersPage.title}
      description={strings.membersPage.description}
      actions={
        isAdmin && (
          <Button leftSection={<IconUserPlus size={18} />} onClick={() => setDialog('invite')}>
            {strings.membersPage.inviteMember}
          </Button>
        )
      }
    >
      <ListBody
        label={strings.membersPage.title}
        list={list}
        columns={columnsFor(me.id)}
        state={state}
        placeholderRows={4}
        rowName={({ name }) => name}
        empty={null}
        renderRowActions={
          isAdmin
            ? (member) =>
                member.role === 'owner' || member.personId === me.id ? null : (
                  <MemberMenu member={member} open={setDialog} />
                )
            : undefined
        }
      />
      {isAdmin && <Invitations />}
      {dialog === 'invite' && <InviteDialog onClose={close} />}
      {endSessionsOf !== undefined && (
        <EndSessionsDialog
          name={endSessionsOf.name}
          onClose={close}
          endSessions={() => api.members.endSessions(endSessionsOf.id)}
        />
      )}
      {memberToRemove !== undefined && <RemoveMemberDialog member={memberToRemove} onClose={close} />}
      {transferTo !== undefined && <TransferOwnershipDialog newOwner={transferTo} onClose={close} />}
    </Page>
  );
}
