import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { EnvVersion } from '../../contract/environment.ts';
import { queryClient } from '../api.ts';
import { actorName } from '../components/duration.tsx';
import { capitalize } from '../components/format.ts';
import { IconHistory } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { VersionsSection } from '../components/versions-section.tsx';
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
  return (
    <VersionsSection
      description="Each save creates a version. This list shows names only; values stay encrypted."
      queryKey={[workspace.id, 'apps', appId, 'env', 'versions']}
      list={api.environment.versions(appId).list}
      pageSize={10}
      renderList={(versions, onRestore) => (
        <ItemList label="Versions">
          {versions.map((version, index) => (
            <ItemListRow
              key={version.version}
              icon={<IconHistory size={18} />}
              title={
                <>
                  Version {version.version}
                  <Text span fz="xs" c="dimmed" fw={400}>
                    {actorName(version.by)}, <RelativeTime time={version.at} />
                  </Text>
                </>
              }
              note={describeVersion(version)}
              actions={
                isAdmin &&
                index > 0 && (
                  <Button size="compact-sm" variant="default" onClick={() => onRestore(version)}>
                    Restore
                    <span className="visually-hidden"> version {version.version}</span>
                  </Button>
                )
              }
            />
          ))}
        </ItemList>
      )}
      describeRestore={({ version }) =>
        `This creates a new version with all variables as they were in version ${version}. Later changes are reverted. It takes effect with the next deployment or restart of the app.`
      }
      restore={async ({ version }) => {
        await api.environment.restore(appId, version, { ifMatch: tag });
        notifications.show({ message: `Version ${version} restored` });
        await queryClient.invalidateQueries({ queryKey: [workspace.id, 'apps', appId, 'env'] });
      }}
    />
  );
}
