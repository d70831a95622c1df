import { Button, Group, Skeleton, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Script, ScriptVersion } from '../../contract/scripts.ts';
import { queryClient } from '../api.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { actorName } from '../components/duration.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { ErrorState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import styles from './script-versions.module.css';

/** What ran and would run, version by version, and the way back to each. */
export function ScriptVersions({ script }: { readonly script: Script }) {
  const { api, workspace, isAdmin } = useWorkspace();
  const [restoring, setRestoring] = useState<ScriptVersion | null>(null);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: [workspace.id, 'scripts', script.id, 'versions', script.version],
    queryFn: ({ pageParam, signal }) =>
      api.scripts.versions(script.id).list({ limit: 5, cursor: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  return (
    <Section
      title="Versions"
      description="Each change of what runs makes one. A run keeps the version that it began with."
    >
      {data === undefined ? (
        error === null ? (
          <Skeleton h={80} radius="md" aria-busy aria-label="Loading" role="status" />
        ) : (
          <ErrorState error={error} retry={() => void refetch()} />
        )
      ) : (
        <ul className={styles['versions']} aria-label="Versions">
          {data.pages
            .flatMap((page) => page.data)
            .map((version) => (
              <li key={version.version}>
                <details>
                  <summary>
                    <b>Version {version.version}</b>{' '}
                    <Text span fz="xs" c="dimmed">
                      {actorName(version.by)}, <RelativeTime time={version.at} />
                      {version.version === script.version && ' (the one that runs)'}
                    </Text>
                  </summary>
                  <div className={styles['version']}>
                    <CodeBlock label={`Body of version ${version.version}`}>{version.body}</CodeBlock>
                    <Text fz="xs" c="dimmed">
                      {version.interpreter}, {version.timeoutSeconds} s
                      {version.parameters.length > 0 &&
                        `, takes ${version.parameters.map(({ name }) => name).join(', ')}`}
                    </Text>
                    {isAdmin && version.version !== script.version && (
                      <Group>
                        <Button size="compact-sm" variant="default" onClick={() => setRestoring(version)}>
                          Make this the one that runs
                        </Button>
                      </Group>
                    )}
                  </div>
                </details>
              </li>
            ))}
        </ul>
      )}
      {hasNextPage && (
        <Group>
          <Button size="xs" variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Older
          </Button>
        </Group>
      )}
      {restoring !== null && (
        <ConfirmDialog
          opened
          onClose={() => setRestoring(null)}
          title={`Back to version ${restoring.version}`}
          confirmLabel="Make it so"
          onConfirm={async () => {
            const { body, interpreter, serverId, runAs, timeoutSeconds, parameters } = restoring;
            await api.scripts.update(script.id, { body, interpreter, serverId, runAs, timeoutSeconds, parameters });
            notifications.show({ message: `${script.name} is what it was in version ${restoring.version}.` });
            await queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts'] });
          }}
        >
          <Text fz="sm">
            Body, interpreter, server, user, time limit and parameters become what they were then, as a new version.
          </Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
