import type { ReactNode } from 'react';
import type { App } from '../../contract/apps.ts';
import { DescriptionList, resourceItems } from '../components/description-list.tsx';
import { TextLink } from '../components/link.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { dimmed, mono } from '../components/text.tsx';
import { sourceLabel } from '../deployments/deployment-status.tsx';
import { useAppQuery, useLiveDeployment } from './app-query.ts';
import { HookList } from './hook-list.tsx';
import { ServerLink } from './resource-names.tsx';
import { strings } from './strings.ts';

/** The deployment whose release is live. */
function LiveDeployment({ appId }: { readonly appId: string }) {
  const { data } = useLiveDeployment(appId);
  if (data === undefined) return '…';
  if (data === null) return dimmed(strings.appOverview.notDeployedYet);
  return (
    <>
      <TextLink to="/deployments/$id" params={{ id: data.id }}>
        {sourceLabel(data)}
      </TextLink>{' '}
      {data.commit !== null && mono(data.commit.slice(0, 10))}
      {data.finishedAt !== null && (
        <>
          , <RelativeTime time={data.finishedAt} withTime />
        </>
      )}
    </>
  );
}

const monoOrNone = (text: string | null): ReactNode => (text === null ? dimmed(strings.appOverview.none) : mono(text));

function describeHealthCheck(check: App['healthCheck']): string | null {
  if (check === null) return null;
  return strings.appOverview.healthCheckWithTimeout(check.url ?? check.command, check.timeoutSeconds);
}

export function AppOverview() {
  const { data: app } = useAppQuery();
  if (app === undefined) return null;
  const { serverId, repository, branch, directory, healthCheck, hooks, logCommand, backup } = app;
  return (
    <>
      <Section title={strings.appOverview.detailsTitle}>
        <DescriptionList
          items={[
            [strings.appOverview.live, <LiveDeployment key="live" appId={app.id} />],
            [strings.appOverview.repository, monoOrNone(repository)],
            (app.repositoryUser !== null || app.hasRepositoryPassword) && [
              strings.appOverview.repositoryCredentials,
              [app.repositoryUser, app.hasRepositoryPassword ? strings.appOverview.passwordStored : null]
                .filter((part) => part !== null)
                .join(', '),
            ],
            [strings.appOverview.branch, mono(branch)],
            [
              strings.appOverview.server,
              serverId === null ? dimmed(strings.appOverview.none) : <ServerLink key="server" id={serverId} />,
            ],
            [strings.appOverview.directory, monoOrNone(directory)],
            [strings.appOverview.releasesToKeep, app.keepReleases],
            [strings.appOverview.healthCheck, monoOrNone(describeHealthCheck(healthCheck))],
            app.requiredVariables.length > 0 && [
              strings.appOverview.requiredVariables,
              mono(app.requiredVariables.join(', ')),
            ],
            [strings.appOverview.logCommand, monoOrNone(logCommand)],
            [
              strings.appOverview.backup,
              backup?.command == null ? dimmed(strings.appOverview.sharedDirectory) : mono(backup.command),
            ],
            [
              strings.appOverview.backupSchedule,
              monoOrNone(backup?.schedule == null ? null : strings.appOverview.scheduleInUtc(backup.schedule)),
            ],
            ...resourceItems(app),
          ]}
        />
      </Section>
      <Section title={strings.appOverview.hooksTitle} description={strings.appOverview.hooksDescription}>
        <HookList hooks={hooks} emptyText={strings.appOverview.noHooks} />
      </Section>
    </>
  );
}
