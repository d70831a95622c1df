import { Anchor, Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Member } from '../../contract/schemas.ts';
import type { Client } from '../../sdk/client.ts';
import { messageOf, queryClient } from '../api.ts';
import { Dialog } from '../components/dialog.tsx';
import { IconCheck, IconX } from '../components/icons.ts';
import { Notice, Tag } from '../components/notice.tsx';
import { Row, Rows } from '../components/rows.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { Ago } from '../components/time.tsx';
import { type Credential, deleteCredential, kindOf } from '../credentials/kinds.ts';
import { useWorkspace } from '../session.ts';

/** How the deletion of each credential went; what is missing is still to come. */
type Results = ReadonlyMap<string, 'deleted' | { readonly failed: string }>;

async function createdBy(api: Client, personId: string, signal: AbortSignal): Promise<Credential[]> {
  const query = { createdBy: personId, limit: 200, sort: '-lastUsedAt' } as const;
  const [tokens, keys] = await Promise.all([
    Array.fromAsync(api.accessTokens.all(query, { signal })),
    Array.fromAsync(api.apiKeys.all(query, { signal })),
  ]);
  return [...tokens, ...keys];
}

interface ListProps {
  readonly credentials: readonly Credential[];
  readonly chosen: ReadonlySet<string>;
  readonly choose: (id: string) => void;
  readonly results: Results;
  readonly busy: boolean;
}

function Outcome({ result }: { readonly result: ReturnType<Results['get']> }) {
  if (result === undefined) return null;
  return result === 'deleted' ? (
    <Tag tone="good">
      <IconCheck size={14} aria-hidden /> Deleted
    </Tag>
  ) : (
    <Tag tone="bad">
      <IconX size={14} aria-hidden /> {result.failed}
    </Tag>
  );
}

function List({ credentials, chosen, choose, results, busy }: ListProps) {
  const { workspace } = useWorkspace();
  return (
    <Rows label="Credentials this person created">
      {credentials.map((credential) => {
        const { id, name, kind, lastUsedAt, status } = credential;
        const isToken = kind === 'access_token';
        return (
          <Row
            key={id}
            title={
              <Checkbox
                size="sm"
                checked={chosen.has(id)}
                disabled={busy || results.get(id) === 'deleted'}
                onChange={() => choose(id)}
                label={name}
              />
            }
            note={
              <>
                {isToken ? 'Access token' : 'API key'}
                {status !== 'active' && `, ${status}`} ·{' '}
                {lastUsedAt === null ? (
                  'never used'
                ) : (
                  <>
                    last used <Ago at={lastUsedAt} />
                  </>
                )}
              </>
            }
            tools={
              results.has(id) ? (
                <Outcome result={results.get(id)} />
              ) : (
                <Anchor
                  fz="xs"
                  renderRoot={(props) => (
                    <Link
                      to={`${kindOf(credential).path}/$id`}
                      params={{ id }}
                      search={{ workspace: workspace.slug, do: 'replace' }}
                      target="_blank"
                      {...props}
                    />
                  )}
                >
                  Replace…
                </Anchor>
              )
            }
          />
        );
      })}
    </Rows>
  );
}

/** Deletes one credential after the other; each has its result as soon as it is known. */
async function deleteAll(
  api: Client,
  credentials: readonly Credential[],
  note: (id: string, result: 'deleted' | { readonly failed: string }) => void,
): Promise<void> {
  for (const credential of credentials) {
    try {
      await deleteCredential(api, credential);
      note(credential.id, 'deleted');
    } catch (error) {
      note(credential.id, { failed: messageOf(error) });
    }
  }
}

function Body({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  const { workspace, api } = useWorkspace();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [results, setResults] = useState<Results>(new Map());
  const credentials = useQuery({
    queryKey: ['created-by', workspace.id, member.personId],
    queryFn: ({ signal }) => createdBy(api, member.personId, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const all = credentials.data ?? [];
  const toDelete = all.filter(({ id }) => chosen.has(id) && results.get(id) !== 'deleted');
  const remove = useMutation({
    mutationFn: async () => {
      await api.members.delete(member.id);
      await queryClient.invalidateQueries({ queryKey: [workspace.id, 'members'] });
    },
  });
  const work = useMutation({
    mutationFn: async () => {
      if (!remove.isSuccess) await remove.mutateAsync();
      await deleteAll(api, toDelete, (id, result) => setResults((before) => new Map([...before, [id, result]])));
      await queryClient.invalidateQueries({ queryKey: [workspace.id] });
    },
  });

  function choose(id: string): void {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  }

  if (credentials.error !== null) {
    return <ErrorState error={credentials.error} retry={() => void credentials.refetch()} />;
  }
  if (credentials.data === undefined) return <BlockSkeleton height={180} />;
  const isDone = work.isSuccess && toDelete.length === 0;
  const done = [...results.values()].filter((result) => result === 'deleted').length;
  const verb = toDelete.length === 1 ? 'delete 1 credential' : `delete ${toDelete.length} credentials`;
  return (
    <Stack gap="md">
      {remove.isSuccess ? (
        <Notice tone="good">{member.name} is removed and sees nothing of this workspace any more.</Notice>
      ) : (
        <Text fz="sm">
          <b>{member.name}</b> loses access to <b>{workspace.name}</b> at once. What they created stays, unless you
          choose it here.
        </Text>
      )}
      {all.length === 0 ? (
        <Text fz="sm" c="dimmed">
          {member.name} created no credential here that still exists.
        </Text>
      ) : (
        <Stack gap="xs">
          <Text fz="sm">
            {member.name} created these and may know their secrets. Delete what nothing needs, and replace what
            something does:
          </Text>
          <List credentials={all} chosen={chosen} choose={choose} results={results} busy={work.isPending} />
          {all.length > 1 && !isDone && (
            <Group>
              <Button
                variant="subtle"
                size="compact-xs"
                disabled={work.isPending}
                onClick={() => setChosen(new Set(chosen.size === all.length ? [] : all.map(({ id }) => id)))}
              >
                {chosen.size === all.length ? 'Choose none' : 'Choose all'}
              </Button>
            </Group>
          )}
        </Stack>
      )}
      <Text fz="sm" c="dimmed" role="status">
        {work.isPending && chosen.size > 0 ? `${done} of ${chosen.size} deleted …` : ''}
      </Text>
      {work.error !== null && <Notice tone="bad">{messageOf(work.error)}</Notice>}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          {remove.isSuccess ? 'Done' : 'Cancel'}
        </Button>
        {(!remove.isSuccess || toDelete.length > 0) && (
          <Button className="button-bad" loading={work.isPending} onClick={() => work.mutate()}>
            {remove.isSuccess
              ? verb.charAt(0).toUpperCase() + verb.slice(1)
              : toDelete.length === 0
                ? `Remove ${member.name}`
                : `Remove and ${verb}`}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** Removes a member, and shows what they leave behind: the credentials they created, to be deleted or replaced. */
export function RemoveDialog({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  return (
    <Dialog opened onClose={onClose} title={`Remove ${member.name}`} size="lg" closeOnClickOutside={false}>
      <Body member={member} onClose={onClose} />
    </Dialog>
  );
}
