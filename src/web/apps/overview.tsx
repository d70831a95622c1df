import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Facts } from '../components/facts.tsx';
import { Id } from '../components/id.tsx';
import { TextLink } from '../components/link.tsx';
import { Tag } from '../components/notice.tsx';
import { Row, Rows } from '../components/rows.tsx';
import { Section } from '../components/section.tsx';
import { Ago } from '../components/time.tsx';
import { sourceName } from '../deployments/status.tsx';
import { useWorkspace } from '../session.ts';
import { useAppQuery } from './app-query.ts';
import styles from './apps.module.css';
import { STAGES } from './apps.ts';
import { useNames } from './names.ts';

const none = (text: string) => (
  <Text span inherit c="dimmed">
    {text}
  </Text>
);
const mono = (text: string) => <span className="mono">{text}</span>;

/** What the app runs now. */
function Live({ appId }: { readonly appId: string }) {
  const { api, workspace } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'deployments', 'live', appId],
    queryFn: async ({ signal }) =>
      (await api.deployments.list({ app: appId, live: true, limit: 1 }, { signal })).data[0] ?? null,
    refetchInterval: 10_000,
  });
  if (data === undefined) return '…';
  if (data === null) return none('Nothing yet');
  return (
    <>
      <TextLink to="/deployments/$id" params={{ id: data.id }}>
        {sourceName(data)}
      </TextLink>{' '}
      {data.commit !== null && mono(data.commit.slice(0, 10))}
      {data.finishedAt !== null && (
        <>
          , <Ago at={data.finishedAt} />
        </>
      )}
    </>
  );
}

/** What there is to know of an app. */
export function AppOverview() {
  const { data: app } = useAppQuery();
  const names = useNames();
  if (app === undefined) return null;
  const { serverId, repository, branch, directory, healthCheck, hooks, logCommand, backup } = app;
  return (
    <>
      <Section title="Facts">
        <Facts
          facts={[
            ['Live', <Live key="live" appId={app.id} />],
            ['Repository', repository === null ? none('None') : mono(repository)],
            ...(app.repositoryUser === null && !app.hasRepositoryPassword
              ? []
              : [
                  [
                    'Repository credentials',
                    [app.repositoryUser, app.hasRepositoryPassword ? 'password stored' : null]
                      .filter((one) => one !== null)
                      .join(', '),
                  ] as const,
                ]),
            ['Branch', mono(branch)],
            [
              'Server',
              serverId === null ? (
                none('None')
              ) : (
                <TextLink key="server" to="/servers/$server" params={{ server: serverId }}>
                  {names.serverName(serverId) ?? serverId}
                </TextLink>
              ),
            ],
            ['Directory', directory === null ? none('None') : mono(directory)],
            ['Releases kept', app.keepReleases],
            [
              'Health check',
              healthCheck === null
                ? none('None')
                : mono(`${healthCheck.url ?? healthCheck.command} (${healthCheck.timeoutSeconds} s)`),
            ],
            ['Log command', logCommand === null ? none('None') : mono(logCommand)],
            ['Backup', backup?.command == null ? none('The shared directory') : mono(backup.command)],
            ['Backup schedule', backup?.schedule == null ? none('None') : mono(`${backup.schedule} (UTC)`)],
            ['Slug', mono(app.slug)],
            ['Created', <Ago key="created" at={app.createdAt} />],
            ['Changed', <Ago key="changed" at={app.updatedAt} />],
            ['Id', <Id key="id" id={app.id} />],
          ]}
        />
      </Section>
      <Section title="Hooks" description="Commands that run in each deployment, in this order within their stage.">
        {hooks.length === 0 ? (
          <Text fz="sm" c="dimmed">
            None. Hooks install, build and restart; they are set in the app's settings.
          </Text>
        ) : (
          <Rows label="Hooks">
            {hooks.map((hook) => (
              <Row
                key={hook.name}
                title={
                  <>
                    {hook.name} <Tag>{STAGES[hook.stage].label}</Tag>
                    {!hook.active && <Tag tone="warn">Inactive</Tag>}
                  </>
                }
                note={<pre className={styles['command']}>{hook.run}</pre>}
              />
            ))}
          </Rows>
        )}
      </Section>
    </>
  );
}
