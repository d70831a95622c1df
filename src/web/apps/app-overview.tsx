import { useQuery } from '@tanstack/react-query';
import { DescriptionList, resourceItems } from '../components/description-list.tsx';
import { TextLink } from '../components/link.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { dimmed, mono } from '../components/text.tsx';
import { sourceLabel } from '../deployments/deployment-status.tsx';
import { useWorkspace } from '../session.ts';
import { useAppQuery } from './app-query.ts';
import { HookList } from './hook-list.tsx';
import { ServerLink } from './resource-names.tsx';

/** The deployment that is currently active. */
function LiveDeployment({ appId }: { readonly appId: string }) {
  const { api, workspace } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'deployments', 'live', appId],
    queryFn: async ({ signal }) =>
      (await api.deployments.list({ app: appId, live: true, limit: 1 }, { signal })).data[0] ?? null,
    refetchInterval: 10_000,
  });
  if (data === undefined) return '…';
  if (data === null) return dimmed('Not deployed yet');
  return (
    <>
      <TextLink to="/deployments/$id" params={{ id: data.id }}>
        {sourceLabel(data)}
      </TextLink>{' '}
      {data.commit !== null && mono(data.commit.slice(0, 10))}
      {data.finishedAt !== null && (
        <>
          , <RelativeTime time={data.finishedAt} />
        </>
      )}
    </>
  );
}

export function AppOverview() {
  const { data: app } = useAppQuery();
  if (app === undefined) return null;
  const { serverId, repository, branch, directory, healthCheck, hooks, logCommand, backup } = app;
  return (
    <>
      <Section title="Details">
        <DescriptionList
          items={[
            ['Live', <LiveDeployment key="live" appId={app.id} />],
            ['Repository', repository === null ? dimmed('None') : mono(repository)],
            (app.repositoryUser !== null || app.hasRepositoryPassword) && [
              'Repository credentials',
              [app.repositoryUser, app.hasRepositoryPassword ? 'password stored' : null]
                .filter((part) => part !== null)
                .join(', '),
            ],
            ['Branch', mono(branch)],
            ['Server', serverId === null ? dimmed('None') : <ServerLink key="server" id={serverId} />],
            ['Directory', directory === null ? dimmed('None') : mono(directory)],
            ['Releases to keep', app.keepReleases],
            [
              'Health check',
              healthCheck === null
                ? dimmed('None')
                : mono(`${healthCheck.url ?? healthCheck.command} (${healthCheck.timeoutSeconds} s)`),
            ],
            ['Log command', logCommand === null ? dimmed('None') : mono(logCommand)],
            ['Backup', backup?.command == null ? dimmed('Shared directory') : mono(backup.command)],
            ['Backup schedule', backup?.schedule == null ? dimmed('None') : mono(`${backup.schedule} (UTC)`)],
            ...resourceItems(app),
          ]}
        />
      </Section>
      <Section title="Hooks" description="Commands that run in each deployment. Within a stage they run in this order.">
        <HookList hooks={hooks} emptyText="No hooks. Add hooks in the app's settings to install, build and restart." />
      </Section>
    </>
  );
}
