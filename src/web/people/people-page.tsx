import { Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { PasswordResetLink } from '../../contract/password-resets.ts';
import type { Account } from '../../contract/people.ts';
import { api, queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { CopyButton } from '../components/copy-button.tsx';
import type { Column } from '../components/data-table.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FilterBar, isFiltered, SearchField } from '../components/filters.tsx';
import { IconKey, IconLock, IconLogout, IconShieldCheck } from '../components/icons.ts';
import { ListBody } from '../components/list-body.tsx';
import { useListState } from '../components/list-state.ts';
import { Notice, Tag } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { RowMenu } from '../components/row-menu.tsx';
import { useList } from '../components/use-list.ts';
import { EndSessionsDialog } from '../members/end-sessions-dialog.tsx';
import { meQuery, useMe } from '../session.ts';

type OpenDialog =
  | { readonly disable: Account }
  | { readonly end: Account }
  | { readonly link: PasswordResetLink; readonly account: Account };

const FILTERS = ['q'];
const PEOPLE_KEY = ['people'];

async function invalidatePeople(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: PEOPLE_KEY });
  await queryClient.invalidateQueries({ queryKey: meQuery.queryKey });
}

const COLUMNS: readonly Column<Account>[] = [
  {
    key: 'name',
    label: 'Name',
    cell: ({ name, email, operator, disabled }) => (
      <>
        <Text fz="sm" fw={600} component="div">
          {name} {operator && <Tag tone="good">Operator</Tag>} {disabled && <Tag tone="bad">Disabled</Tag>}
        </Text>
        <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {email}
        </Text>
      </>
    ),
  },
  { key: 'workspaces', label: 'Workspaces', cell: ({ workspaces }) => workspaces, align: 'right' },
  { key: 'twoFactor', label: 'Two-factor', cell: ({ twoFactor }) => (twoFactor ? 'On' : 'Off') },
  {
    key: 'lastUsedAt',
    label: 'Last used',
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'Not signed in' : <RelativeTime time={lastUsedAt} />),
  },
];

function PersonMenu({ account, open }: { readonly account: Account; readonly open: (dialog: OpenDialog) => void }) {
  const change = useMutation({
    mutationFn: (body: { disabled?: boolean; operator?: boolean }) => api.people.update(account.id, body),
    onError: notifyError,
    onSuccess: invalidatePeople,
  });
  const reset = useMutation({
    mutationFn: () => api.people.createPasswordReset(account.id),
    onError: notifyError,
    onSuccess: (link) => open({ link, account }),
  });
  const { name, operator, disabled } = account;
  return (
    <RowMenu
      name={name}
      loading={change.isPending}
      actions={[
        { label: 'Create password reset link', Icon: IconKey, disabled, onSelect: () => reset.mutate() },
        { label: 'End all sessions…', Icon: IconLogout, onSelect: () => open({ end: account }) },
        {
          label: operator ? 'Remove operator role' : 'Make operator',
          Icon: IconShieldCheck,
          onSelect: () => change.mutate({ operator: !operator }),
        },
        disabled
          ? { label: 'Enable', Icon: IconLock, onSelect: () => change.mutate({ disabled: false }) }
          : { label: 'Disable…', Icon: IconLock, onSelect: () => open({ disable: account }), destructive: true },
      ]}
    />
  );
}

/** All people of the installation. For operators. */
export function PeoplePage() {
  const me = useMe();
  const state = useListState();
  const [dialog, setDialog] = useState<OpenDialog | null>(null);
  const close = () => setDialog(null);
  const list = useList(
    PEOPLE_KEY,
    api.people.list,
    { limit: 50, cursor: state.cursor, q: state.get('q') },
    { enabled: me.operator },
  );
  return (
    <Page title="People" description="Everyone with an account on this server. Operators manage accounts here.">
      {me.operator ? (
        <Stack gap="md">
          <FilterBar state={state} filters={FILTERS}>
            <SearchField state={state} label="Search by name or email" />
          </FilterBar>
          <ListBody
            label="People"
            list={list}
            columns={COLUMNS}
            state={state}
            rows={4}
            rowName={({ name }) => name}
            isFiltered={isFiltered(state, FILTERS)}
            empty={null}
            renderRowActions={(account) => <PersonMenu account={account} open={setDialog} />}
          />
        </Stack>
      ) : (
        <Notice tone="warn">Only operators of this server can view this page.</Notice>
      )}
      {dialog !== null && 'end' in dialog && (
        <EndSessionsDialog
          name={dialog.end.name}
          onClose={close}
          end={() => api.people.endSessions(dialog.end.id).then(invalidatePeople)}
        />
      )}
      {dialog !== null && 'disable' in dialog && (
        <ConfirmDialog
          onClose={close}
          title="Disable account"
          confirmLabel="Disable"
          onConfirm={() => api.people.update(dialog.disable.id, { disabled: true }).then(invalidatePeople)}
        >
          {dialog.disable.name} is signed out everywhere and cannot sign in until an operator enables the account.
          Pending invitations they sent are revoked. Access tokens and API keys they created keep working.
        </ConfirmDialog>
      )}
      {dialog !== null && 'link' in dialog && (
        <Dialog onClose={close} title="Password reset link">
          <Stack gap="md">
            <Text fz="sm">
              Give this link to {dialog.account.name}. It can be used once and expires{' '}
              <RelativeTime time={dialog.link.expiresAt} />.
            </Text>
            <Text fz="sm" className="mono" id="reset-link" style={{ overflowWrap: 'anywhere' }}>
              {dialog.link.url}
            </Text>
            <CopyButton text={dialog.link.url} label="Copy link" sourceElementId="reset-link" />
          </Stack>
        </Dialog>
      )}
    </Page>
  );
}
