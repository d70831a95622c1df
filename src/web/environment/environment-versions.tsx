import { Button, Group, Skeleton, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { EnvVersion } from '../../contract/environment.ts';
import { queryClient } from '../api.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { capitalize } from '../components/format.ts';
import { IconHistory } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { ErrorState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';

const MAX_NAMES = 12;

function joinNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(', ');
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}

/** Describes a version's changes by name: “Set A, B; removed C”. */
export function describeVersion({ set, removed, restoredFrom }: EnvVersion): string {
  const parts = [
    ...(restoredFrom === null ? [] : [`restored version ${restoredFrom}`]),
    ...(set.length === 0 ? [] : [`set ${joinNames(set)}`]),
    ...(removed.length === 0 ? [] : [`removed ${joinNames(removed)}`]),
  ];
  const text = parts.join('; ');
  return text === '' ? 'No changes' : capitalize(text);
}

interface EnvironmentVersionsProps {
  readonly appId: string;
  /** The ETag of the environment shown above. */
  readonly tag: string | undefined;
}

/** The versions of an environment, with buttons that restore them. */
export function EnvironmentVersions({ appId, tag }: EnvironmentVersionsProps) {
  const { api, workspace, isAdmin } = useWorkspace();
  const [restoring, setRestoring] = useState<EnvVersion | null>(null);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: [workspace.id, 'apps', appId, 'env', 'versions'],
    queryFn: ({ pageParam, signal }) =>
      api.environment.versions(appId).list({ limit: 10, cursor: pageParam ?? undefined }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  const versions = data?.pages.flatMap((page) => page.data) ?? [];
  const newest = versions[0]?.version;
  return (
    <Section
      title="Versions"
      description="Each save creates a version. This list shows names only; values stay encrypted."
    >
      {data === undefined ? (
        error === null ? (
          <Skeleton h={120} radius="md" aria-busy aria-label="Loading" role="status" />
        ) : (
          <ErrorState error={error} retry={() => void refetch()} />
        )
      ) : versions.length === 0 ? (
        <Text fz="sm" c="dimmed">
          No versions yet.
        </Text>
      ) : (
        <ItemList label="Versions">
          {versions.map((version) => (
            <ItemListRow
              key={version.version}
              icon={<IconHistory size={18} />}
              title={
                <>
                  Version {version.version}
                  <Text span fz="xs" c="dimmed" fw={400}>
                    {version.by.name ?? version.by.kind.replaceAll('_', ' ')}, <RelativeTime time={version.at} />
                  </Text>
                </>
              }
              note={describeVersion(version)}
              actions={
                isAdmin &&
                version.version !== newest && (
                  <Button size="compact-sm" variant="default" onClick={() => setRestoring(version)}>
                    Restore
                    <span className="visually-hidden"> version {version.version}</span>
                  </Button>
                )
              }
            />
          ))}
        </ItemList>
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
            await api.environment.restore(appId, restoring.version, { ifMatch: tag });
            notifications.show({ message: `Version ${restoring.version} restored` });
            await queryClient.invalidateQueries({ queryKey: [workspace.id, 'apps', appId, 'env'] });
          }}
        >
          <Text fz="sm">
            This creates a new version with all variables as they were in version {restoring.version}. Later changes are
            reverted. It takes effect with the next deployment or restart of the app.
          </Text>
        </ConfirmDialog>
      )}
    </Section>
  );
}
