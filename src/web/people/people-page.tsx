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
import { RelativeTime, TimeCell } from '../components/relative-time.tsx';
import { RowMenu } from '../components/row-menu.tsx';
import { useList } from '../components/use-list.ts';
import { EndSessionsDialog } from '../members/end-sessions-dialog.tsx';
import { meQuery, useMe } from '../session.ts';
import { arePasswordsOn } from '../sign-in/installation.ts';
import { strings } from './strings.ts';

type OpenDialog =
  | { readonly disable: Account }
  | { readonly endSessionsOf: Account }
  | { readonly link: PasswordResetLink; readonly account: Account };

const FILTERS = ['q'];
const PEOPLE_KEY = ['people'];

async function refetchPeople(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: PEOPLE_KEY });
  await queryClient.invalidateQueries({ queryKey: meQuery.queryKey });
}

const COLUMNS: readonly Column<Account>[] = [
  {
    key: 'name',
    label: strings.peoplePage.name,
    cell: ({ name, email, operator, disabled }) => (
      <>
        <Text fz="sm" fw={600} component="div">
          {name} {operator && <Tag tone="success">{strings.peoplePage.operator}</Tag>}{' '}
          {disabled && <Tag tone="danger">{strings.peoplePage.disabled}</Tag>}
        </Text>
        <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {email}
        </Text>
      </>
    ),
  },
  { key: 'workspaces', label: strings.peoplePage.workspaces, cell: ({ workspaces }) => workspaces, align: 'right' },
  {
    key: 'twoFactor',
    label: strings.peoplePage.twoFactor,
    cell: ({ twoFactor }) => (twoFactor ? strings.peoplePage.on : strings.peoplePage.off),
  },
  {
    key: 'lastUsedAt',
    label: strings.peoplePage.lastActive,
    cell: ({ lastUsedAt }) =>
      lastUsedAt === null ? strings.peoplePage.notSignedIn : <TimeCell time={lastUsedAt} relative />,
  },
];

function PersonMenu({ account, open }: { readonly account: Account; readonly open: (dialog: OpenDialog) => void }) {
  const change = useMutation({
    mutationFn: (body: { disabled?: boolean; operator?: boolean }) => api.people.update(account.id, body),
    onError: notifyError,
    onSuccess: refetchPeople,
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
        {
          label: arePasswordsOn() ? strings.peoplePage.createPasswordResetLink : strings.peoplePage.createSignInLink,
          Icon: IconKey,
          disabled,
          onSelect: () => reset.mutate(),
        },
        {
          label: strings.peoplePage.endAllSessions,
          Icon: IconLogout,
          onSelect: () => open({ endSessionsOf: account }),
        },
        {
          label: operator ? strings.peoplePage.removeOperatorRole : strings.peoplePage.makeOperator,
          Icon: IconShieldCheck,
          onSelect: () => change.mutate({ operator: !operator }),
        },
        disabled
          ? { label: strings.peoplePage.enable, Icon: IconLock, onSelect: () => change.mutate({ disabled: false }) }
          : {
              label: strings.peoplePage.disable,
              Icon: IconLock,
              onSelect: () => open({ disable: account }),
              destructive: true,
            },
      ]}
    />
  );
}

/** The people with an account on this server. For operators. */
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
    <Page title={strings.peoplePage.title} description={strings.peoplePage.description}>
      {me.operator ? (
        <Stack gap="md">
          <FilterBar state={state} filters={FILTERS}>
            <SearchField state={state} label={strings.peoplePage.searchLabel} />
          </FilterBar>
          <ListBody
            label={strings.peoplePage.title}
            list={list}
            columns={COLUMNS}
            state={state}
            placeholderRows={4}
            rowName={({ name }) => name}
            isFiltered={isFiltered(state, FILTERS)}
            empty={null}
            renderRowActions={(account) => <PersonMenu account={account} open={setDialog} />}
          />
        </Stack>
      ) : (
        <Notice tone="warning">{strings.peoplePage.onlyOperators}</Notice>
      )}
      {dialog !== null && 'endSessionsOf' in dialog && (
        <EndSessionsDialog
          name={dialog.endSessionsOf.name}
          onClose={close}
          endSessions={() => api.people.endSessions(dialog.endSessionsOf.id).then(refetchPeople)}
        />
      )}
      {dialog !== null && 'disable' in dialog && (
        <ConfirmDialog
          onClose={close}
          title={strings.peoplePage.disableTitle}
          confirmLabel={strings.peoplePage.disableConfirmLabel}
          onConfirm={() => api.people.update(dialog.disable.id, { disabled: true }).then(refetchPeople)}
        >
          <Text fz="sm">{strings.peoplePage.disableConsequences(dialog.disable.name)}</Text>
        </ConfirmDialog>
      )}
      {dialog !== null && 'link' in dialog && (
        <Dialog
          onClose={close}
          title={arePasswordsOn() ? strings.peoplePage.resetLinkTitle : strings.peoplePage.signInLinkTitle}
        >
          <Stack gap="md">
            <Text fz="sm">
              {strings.peoplePage.resetLinkNote(dialog.account.name, <RelativeTime time={dialog.link.expiresAt} />)}
            </Text>
            <Text fz="sm" className="mono" id="reset-link" style={{ overflowWrap: 'anywhere' }}>
              {dialog.link.url}
            </Text>
            <CopyButton text={dialog.link.url} label={strings.peoplePage.copyLink} sourceElementId="reset-link" />
          </Stack>
        </Dialog>
      )}
    </Page>
  );
}
