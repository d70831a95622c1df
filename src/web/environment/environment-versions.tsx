import { Button, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { EnvVersion } from '../../contract/environment.ts';
import { queryClient } from '../api.ts';
import { actorName } from '../components/actor-name.ts';
import { capitalize } from '../components/format.ts';
import { IconHistory } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { VersionsSection } from '../components/versions-section.tsx';
import { useWorkspace } from '../session.ts';
import { type EnvironmentOwner, environmentKey, useEnvironmentClient } from './environment-queries.ts';
import { strings } from './strings.ts';

const MAX_NAMES = 12;

function joinNames(names: readonly string[]): string {
  const shownNames = names.slice(0, MAX_NAMES).join(', ');
  return names.length > MAX_NAMES
    ? strings.environmentVersions.andMore(shownNames, names.length - MAX_NAMES)
    : shownNames;
}

/** Describes a version's changes by name: "Set A, B; removed C". */
function describeVersion({ set, removed, restoredFrom }: EnvVersion): string {
  const parts = [
    ...(restoredFrom === null ? [] : [strings.environmentVersions.restored(restoredFrom)]),
    ...(set.length === 0 ? [] : [strings.environmentVersions.set(joinNames(set))]),
    ...(removed.length === 0 ? [] : [strings.environmentVersions.removed(joinNames(removed))]),
  ];
  const text = parts.join('; ');
  return text === '' ? strings.environmentVersions.noChanges : capitalize(text);
}

interface EnvironmentVersionsProps {
  readonly owner: EnvironmentOwner;
  /** The ETag of the current environment, which a restore sends as If-Match. */
  readonly etag: string | undefined;
}

/** The versions of an environment, with buttons that restore them. */
export function EnvironmentVersions({ owner, etag }: EnvironmentVersionsProps) {
  const { workspace, isAdmin } = useWorkspace();
  const client = useEnvironmentClient(owner);
  return (
    <VersionsSection
      description={strings.environmentVersions.description}
      queryKey={[...environmentKey(workspace.id), owner.id, 'versions']}
      list={client.versions(owner.id).list}
      pageSize={10}
      renderList={(versions, onRestore) => (
        <ItemList label={strings.environmentVersions.versions}>
          {versions.map((version, index) => (
            <ItemListRow
              key={version.version}
              icon={<IconHistory size={18} />}
              title={
                <>
                  {strings.environmentVersions.title(version.version)}
                  <Text span fz="xs" c="dimmed" fw={400}>
                    {strings.environmentVersions.changedBy(
                      actorName(version.by),
                      <RelativeTime time={version.at} withTime />,
                    )}
                  </Text>
                </>
              }
              note={describeVersion(version)}
              actions={
                isAdmin &&
                index > 0 && (
                  <Button size="compact-sm" variant="default" onClick={() => onRestore(version)}>
                    {strings.environmentVersions.restore}
                    <span className="visually-hidden">{strings.environmentVersions.ofVersion(version.version)}</span>
                  </Button>
                )
              }
            />
          ))}
        </ItemList>
      )}
      describeRestore={({ version }) => strings.environmentVersions.restoreConsequences(version)}
      restore={async ({ version }) => {
        await client.restore(owner.id, version, { ifMatch: etag });
        notifications.show({ message: strings.environmentVersions.versionRestored(version) });
        await queryClient.invalidateQueries({ queryKey: environmentKey(workspace.id) });
      }}
    />
  );
}
