import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { TextLink } from '../components/link.tsx';
import { Tag } from '../components/notice.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { sourceLabel } from '../deployments/deployment-status.tsx';
import { useWorkspace } from '../session.ts';
import { HOOK_STAGE_LABELS } from './app-form.ts';
import { useAppQuery } from './app-query.ts';
import styles from './apps.module.css';
import { useResourceNames } from './resource-names.tsx';

const dimmed = (text: string) => (
  <Text span inherit c="dimmed">
    {text}
  </Text>
);
const mono = (text: string) => <span className="mono">{text}</span>;

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
  const names = useResourceNames();
  if (app === undefined) return null;
  const { serverId, repository, branch, directory, healthCheck, hooks, logCommand, backup } = app;
  return (
    <>
      <Section title="Details">
        <DescriptionList
          items={[
            ['Live', <LiveDeployment key="live" appId={app.id} />],
            ['Repository', repository === null ? dimmed('None') : mono(repository)],
            ...(app.repositoryUser === null && !app.hasRepositoryPassword
              ? []
              : [
                  [
                    'Repository credentials',
                    [app.repositoryUser, app.hasRepositoryPassword ? 'password stored' : null]
                      .filter((part) => part !== null)
                      .join(', '),
                  ] as const,
                ]),
            ['Branch', mono(branch)],
            [
              'Server',
              serverId === null ? (
                dimmed('None')
              ) : (
                <TextLink key="server" to="/servers/$server" params={{ server: serverId }}>
                  {names.serverName(serverId) ?? serverId}
                </TextLink>
              ),
            ],
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
            ['Slug', mono(app.slug)],
            ['Created', <RelativeTime key="created" time={app.createdAt} />],
            ['Updated', <RelativeTime key="changed" time={app.updatedAt} />],
            ['ID', <CopyableId key="id" id={app.id} />],
          ]}
        />
      </Section>
      <Section title="Hooks" description="Commands that run in each deployment. Within a stage they run in this order.">
        {hooks.length === 0 ? (
          <Text fz="sm" c="dimmed">
            No hooks. Add hooks in the app's settings to install, build and restart.
          </Text>
        ) : (
          <ItemList label="Hooks">
            {hooks.map((hook) => (
              <ItemListRow
                key={hook.name}
                title={
                  <>
                    {hook.name} <Tag>{HOOK_STAGE_LABELS[hook.stage].label}</Tag>
                    {!hook.active && <Tag tone="warn">Inactive</Tag>}
                  </>
                }
                note={<pre className={styles['command']}>{hook.run}</pre>}
              />
            ))}
          </ItemList>
        )}
      </Section>
    </>
  );
}
