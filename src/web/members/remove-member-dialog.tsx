import { Anchor, Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Member } from '../../contract/members.ts';
import type { Client } from '../../sdk/client.ts';
import { queryClient } from '../api.ts';
import { DeleteResultTag } from '../components/delete-result-tag.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNotice } from '../components/error-message.tsx';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Notice } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { type DeleteResult, useDeleteMany } from '../components/use-delete-many.ts';
import { type Credential, deleteCredential, getKindConfig } from '../credentials/kinds.ts';
import { RevealedVariables } from '../review/revealed-variables.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/** Returns the credentials that a person created in the workspace: access tokens, then API keys, last used first. */
async function listCredentialsCreatedBy(api: Client, personId: string, signal: AbortSignal): Promise<Credential[]> {
  const query = { createdBy: personId, limit: 200, sort: '-lastUsedAt' } as const;
  const [tokens, keys] = await Promise.all([
    Array.fromAsync(api.accessTokens.all(query, { signal })),
    Array.fromAsync(api.apiKeys.all(query, { signal })),
  ]);
  return [...tokens, ...keys];
}

interface CredentialListProps {
  readonly credentials: readonly Credential[];
  readonly selectedIds: ReadonlySet<string>;
  readonly onToggle: (id: string) => void;
  readonly results: ReadonlyMap<string, DeleteResult>;
  readonly busy: boolean;
}

function CredentialList({ credentials, selectedIds, onToggle, results, busy }: CredentialListProps) {
  const { workspace } = useWorkspace();
  return (
    <ItemList label={strings.removeMemberDialog.listLabel}>
      {credentials.map((credential) => {
        const { id, name, kind, lastUsedAt, status } = credential;
        const isToken = kind === 'access_token';
        const result = results.get(id);
        return (
          <ItemListRow
            key={id}
            title={
              <Checkbox
                size="sm"
                checked={selectedIds.has(id)}
                disabled={busy || result === null}
                onChange={() => onToggle(id)}
                label={<bdi>{name}</bdi>}
              />
            }
            note={
              <>
                {isToken ? strings.removeMemberDialog.accessToken : strings.removeMemberDialog.apiKey}
                {status !== 'active' && `, ${strings.removeMemberDialog.statuses[status]}`} ·{' '}
                {lastUsedAt === null
                  ? strings.removeMemberDialog.neverUsed
                  : strings.removeMemberDialog.lastUsed(<RelativeTime time={lastUsedAt} />)}
              </>
            }
            actions={
              result !== undefined ? (
                <DeleteResultTag result={result} />
              ) : (
                <Anchor
                  fz="xs"
                  renderRoot={(props) => (
                    <Link
                      to={`${getKindConfig(credential).path}/$id`}
                      params={{ id }}
                      search={{ workspace: workspace.slug, do: 'replace' }}
                      target="_blank"
                      {...props}
                    />
                  )}
                >
                  {strings.removeMemberDialog.replace}
                </Anchor>
              )
            }
          />
        );
      })}
    </ItemList>
  );
}

/**
 * Returns the state and the actions of a removal: the member's credentials, and which of them are selected for
 * deletion.
 */
function useMemberRemoval(member: Member) {
  const { workspace, api } = useWorkspace();
  const [selectedIds, setSelectedIds] = useState<ReadonlySet<string>>(new Set());
  const { results, isDeleted, deleteMany } = useDeleteMany((credential: Credential) =>
    deleteCredential(api, credential),
  );
  const credentials = useQuery({
    queryKey: ['created-by', workspace.id, member.personId],
    queryFn: ({ signal }) => listCredentialsCreatedBy(api, member.personId, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const createdCredentials = credentials.data ?? [];
  const toDelete = createdCredentials.filter((credential) => selectedIds.has(credential.id) && !isDeleted(credential));
  const removeMember = useMutation({
    mutationFn: async () => {
      await api.members.delete(member.id);
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] });
    },
  });
  const removeAndDelete = useMutation({
    mutationFn: async () => {
      if (!removeMember.isSuccess) await removeMember.mutateAsync();
      await deleteMany(toDelete);
      await queryClient.invalidateQueries({ queryKey: [workspace.id] });
    },
  });
  return {
    credentials,
    createdCredentials,
    selectedIds,
    setSelectedIds,
    results,
    deletedCount: createdCredentials.filter(isDeleted).length,
    /** Number of selected credentials that are not deleted yet. */
    toDeleteCount: toDelete.length,
    /** Whether the member was removed; the deletion of some credentials may have failed. */
    isRemoved: removeMember.isSuccess,
    removeAndDelete,
  };
}

type MemberRemoval = ReturnType<typeof useMemberRemoval>;

interface RemovalProps {
  readonly member: Member;
  readonly removal: MemberRemoval;
}

/** The credentials that the member created, with checkboxes for the ones to delete. */
function CreatedCredentials({ member, removal }: RemovalProps) {
  const { createdCredentials, selectedIds, setSelectedIds, results, toDeleteCount, removeAndDelete } = removal;
  if (createdCredentials.length === 0) {
    return <DimmedText>{strings.removeMemberDialog.noCredentials(member.name)}</DimmedText>;
  }
  const isDone = removeAndDelete.isSuccess && toDeleteCount === 0;
  const areAllSelected = selectedIds.size === createdCredentials.length;

  function toggle(id: string): void {
    const newIds = new Set(selectedIds);
    if (!newIds.delete(id)) newIds.add(id);
    setSelectedIds(newIds);
  }

  return (
    <Stack gap="xs">
      <Text fz="sm">{strings.removeMemberDialog.secretsMayBeKnown(member.name)}</Text>
      <CredentialList
        credentials={createdCredentials}
        selectedIds={selectedIds}
        onToggle={toggle}
        results={results}
        busy={removeAndDelete.isPending}
      />
      {createdCredentials.length > 1 && !isDone && (
        <Group>
          <Button
            variant="subtle"
            size="compact-xs"
            disabled={removeAndDelete.isPending}
            onClick={() => setSelectedIds(new Set(areAllSelected ? [] : createdCredentials.map(({ id }) => id)))}
          >
            {areAllSelected ? strings.removeMemberDialog.selectNone : strings.removeMemberDialog.selectAll}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function RemovalFooter({ member, removal, onClose }: RemovalProps & { readonly onClose: () => void }) {
  const { isRemoved, toDeleteCount, removeAndDelete } = removal;
  const removeLabel =
    toDeleteCount === 0
      ? strings.removeMemberDialog.remove(member.name)
      : strings.removeMemberDialog.removeAndDelete(toDeleteCount);
  return (
    <Group justify="flex-end" gap="sm">
      <Button variant="default" onClick={onClose}>
        {isRemoved ? strings.removeMemberDialog.done : strings.removeMemberDialog.cancel}
      </Button>
      {(!isRemoved || toDeleteCount > 0) && (
        <Button className="button-danger" loading={removeAndDelete.isPending} onClick={() => removeAndDelete.mutate()}>
          {isRemoved ? strings.removeMemberDialog.deleteCredentials(toDeleteCount) : removeLabel}
        </Button>
      )}
    </Group>
  );
}

/** Links to the review of the credentials that the removed member created. */
function ReviewLink({ member }: { readonly member: Member }) {
  const { workspace } = useWorkspace();
  return (
    <Anchor
      fz="sm"
      renderRoot={(props) => (
        <Link
          to="/settings/review"
          search={{ workspace: workspace.slug, createdBy: member.personId, name: member.name }}
          {...props}
        />
      )}
    >
      {strings.removeMemberDialog.review(member.name)}
    </Anchor>
  );
}

function RemoveMemberForm({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  const { workspace } = useWorkspace();
  const removal = useMemberRemoval(member);
  const { credentials, selectedIds, deletedCount, isRemoved, removeAndDelete } = removal;
  if (credentials.error !== null) {
    return <ErrorState error={credentials.error} retry={() => void credentials.refetch()} />;
  }
  if (credentials.data === undefined) return <BlockSkeleton height={180} />;
  return (
    <Stack gap="md">
      {isRemoved ? (
        <Notice tone="success">{strings.removeMemberDialog.removed(member.name)}</Notice>
      ) : (
        <Text fz="sm">{strings.removeMemberDialog.consequences(<b>{member.name}</b>, <b>{workspace.name}</b>)}</Text>
      )}
      <CreatedCredentials member={member} removal={removal} />
      <RevealedVariables personId={member.personId} personName={member.name} />
      {isRemoved && <ReviewLink member={member} />}
      <DimmedText role="status">
        {removeAndDelete.isPending && selectedIds.size > 0
          ? strings.removeMemberDialog.deletionProgress(deletedCount, selectedIds.size)
          : ''}
      </DimmedText>
      {removeAndDelete.error !== null && <ErrorNotice error={removeAndDelete.error} />}
      <RemovalFooter member={member} removal={removal} onClose={onClose} />
    </Stack>
  );
}

/** Removes a member. First shows the credentials that the member created, so that they can be deleted or replaced. */
export function RemoveMemberDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title={strings.removeMemberDialog.title(member.name)} size="lg">
      <RemoveMemberForm member={member} onClose={onClose} />
    </Dialog>
  );
}
