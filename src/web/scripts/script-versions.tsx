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

/** The versions of a script, with buttons that restore them. */
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
      description="Each change to the script creates a version. A run keeps the version it started with."
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
                      {version.version === script.version && ' (current)'}
                    </Text>
                  </summary>
                  <div className={styles['version']}>
                    <CodeBlock label={`Body of version ${version.version}`}>{version.body}</CodeBlock>
                    <Text fz="xs" c="dimmed">
                      {version.interpreter}, {version.timeoutSeconds} s
                      {version.parameters.length > 0 &&
                        `, parameters: ${version.parameters.map(({ name }) => name).join(', ')}`}
                    </Text>
                    {isAdmin && version.version !== script.version && (
                      <Group>
                        <Button size="compact-sm" variant="default" onClick={() => setRestoring(version)}>
                          Restore this version
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
          title={`Restore version ${restoring.version}`}
          confirmLabel="Restore"
          onConfirm={async () => {
            const { body, interpreter, serverId, runAs, timeoutSeconds, parameters } = restoring;
            await api.scripts.update(script.id, { body, interpreter, serverId, runAs, timeoutSeconds, parameters });
            notifications.show({ message: `Version ${restoring.version} of ${script.name} restored` });
            await queryClient.invalidateQueries({ queryKey: [workspace.id, 'scripts'] });
          }}
        >
          <Text fz="sm">
            This creates a new version with the body, interpreter, server, user, time limit and parameters of version{' '}
            {restoring.version}.
          </Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
