import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { App } from '../../contract/apps.ts';
import { IconAppWindow } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { NameLink, TextLink } from '../components/link.tsx';
import { ErrorState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';

const MAX_APPS = 20;

/** Describes the repository and the directory of an app in one line. */
function describeSource({ repository, branch, directory }: App): ReactNode {
  const source = repository === null ? 'No repository' : `${repository} (${branch})`;
  return directory === null ? source : `${source} → ${directory}`;
}

interface AppListProps {
  readonly query: { readonly project?: string; readonly server?: string };
  readonly emptyText: string;
}

/** The apps of a project or on a server. */
export function AppList({ query, emptyText }: AppListProps) {
  const { api, workspace } = useWorkspace();
  const { data, error, refetch } = useQuery({
    queryKey: [workspace.id, 'apps', 'of', query],
    queryFn: ({ signal }) => api.apps.list({ ...query, limit: MAX_APPS, sort: 'name' }, { signal }),
  });
  if (data === undefined) {
    return error === null ? (
      <Skeleton h={56} radius="md" aria-busy aria-label="Loading" role="status" />
    ) : (
      <ErrorState error={error} retry={() => void refetch()} />
    );
  }
  if (data.data.length === 0) {
    return (
      <Text fz="sm" c="dimmed">
        {emptyText}
      </Text>
    );
  }
  return (
    <>
      <ItemList label="Apps">
        {data.data.map((app) => (
          <ItemListRow
            key={app.id}
            icon={<IconAppWindow size={18} />}
            title={
              <NameLink to="/apps/$app" params={{ app: app.id }}>
                {app.name}
              </NameLink>
            }
            note={describeSource(app)}
          />
        ))}
      </ItemList>
      {data.nextCursor !== null && (
        <TextLink to="/apps" search={query} fz="sm">
          All apps
        </TextLink>
      )}
    </>
  );
}
