import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { App } from '../../contract/apps.ts';
import { IconAppWindow } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { NameLink, TextLink } from '../components/link.tsx';
import { BlockSkeleton, QueryContent } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const MAX_APPS = 20;

/** Describes the repository and the directory of an app in one line. */
function describeSource({ repository, branch, directory }: App): ReactNode {
  const source = repository === null ? strings.appList.noRepository : `${repository} (${branch})`;
  return directory === null ? source : `${source} → ${directory}`;
}

interface AppListProps {
  readonly filter: { readonly project?: string; readonly server?: string };
  readonly emptyText: string;
}

/** The apps of a project or on a server. */
export function AppList({ filter, emptyText }: AppListProps) {
  const { api, workspace } = useWorkspace();
  const query = useQuery({
    queryKey: [workspace.id, 'apps', 'of', filter],
    queryFn: ({ signal }) => api.apps.list({ ...filter, limit: MAX_APPS, sort: 'name' }, { signal }),
  });
  return (
    <QueryContent query={query} placeholder={<BlockSkeleton height={56} />}>
      {({ data: apps, nextCursor }) =>
        apps.length === 0 ? (
          <DimmedText>{emptyText}</DimmedText>
        ) : (
          <>
            <ItemList label={strings.appList.apps}>
              {apps.map((app) => (
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
            {nextCursor !== null && (
              <TextLink to="/apps" search={filter} fz="sm">
                {strings.appList.allApps}
              </TextLink>
            )}
          </>
        )
      }
    </QueryContent>
  );
}
