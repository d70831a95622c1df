import { Group, Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { App } from '../../contract/apps.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { HOOK_STAGE_TEXTS } from '../apps/app-form.ts';
import { ServerLink, useProjectsAndServers } from '../apps/resource-names.tsx';
import { actorName } from '../components/actor-name.ts';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { Duration } from '../components/duration.tsx';
import { formatDateTime } from '../components/format.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { isInProgress, JobStatusTag } from '../components/job-status.tsx';
import { BackLink, TextLink } from '../components/link.tsx';
import { LiveLog } from '../components/live-log.tsx';
import { Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText, mono } from '../components/text.tsx';
import { formatDuration } from '../components/units.ts';
import { type ReadLog, useLiveLog } from '../components/use-live-log.ts';
import { MAX_SHOWN_LINES } from '../components/use-shown-lines.ts';
import { useWorkspace } from '../session.ts';
import { CommitLink } from './commit-link.tsx';
import { STRATEGY_TEXTS } from './deploy-form.ts';
import { DeploymentActions } from './deployment-actions.tsx';
import { DeploymentStatusTag, sourceLabel } from './deployment-status.tsx';
import { FailureSection } from './failure-section.tsx';
import { strings } from './strings.ts';
import { VariablesSection } from './variables-section.tsx';

const POLL_INTERVAL_MS = 1500;

function StepsSection({ deployment }: { readonly deployment: Deployment }) {
  const { hooks, progress, status, waitingFor } = deployment;
  return (
    <Section
      title={strings.deploymentPage.stepsTitle}
      description={isInProgress(status) ? strings.deploymentPage.progressDescription(progress) : undefined}
    >
      {isInProgress(status) && waitingFor === null && (
        <Progress value={progress} aria-label={strings.deploymentPage.progressLabel} transitionDuration={0} />
      )}
      {hooks.length === 0 ? (
        <DimmedText>{strings.deploymentPage.noHooks}</DimmedText>
      ) : (
        <ItemList label={strings.deploymentPage.steps}>
          {hooks.map(({ name, stage, status: hookStatus, exitCode, durationMs, attempts }) => (
            <ItemListRow
              key={`${stage} ${name}`}
              title={
                <>
                  <bdi>{name}</bdi> <Tag>{HOOK_STAGE_TEXTS[stage].label}</Tag>
                </>
              }
              note={[
                durationMs === null ? null : formatDuration(durationMs),
                exitCode === null || exitCode === 0 ? null : strings.deploymentPage.exitCode(exitCode),
                attempts > 1 ? strings.deploymentPage.attempts(attempts) : null,
              ]
                .filter((part) => part !== null)
                .join(', ')}
              actions={
                hookStatus === 'skipped' ? (
                  <Tag>{strings.deploymentPage.skipped}</Tag>
                ) : (
                  <JobStatusTag status={hookStatus} />
                )
              }
            />
          ))}
        </ItemList>
      )}
    </Section>
  );
}

function ServersSection({ deployment }: { readonly deployment: Deployment }) {
  if (deployment.servers.length < 2) return null;
  return (
    <Section title={strings.deploymentPage.serversTitle}>
      <ItemList label={strings.deploymentPage.servers}>
        {deployment.servers.map(({ serverId, status }) => (
          <ItemListRow key={serverId} title={<ServerLink id={serverId} />} actions={<JobStatusTag status={status} />} />
        ))}
      </ItemList>
    </Section>
  );
}

/** Returns the overrides of the request that the page does not already show elsewhere. */
function overrideItems({ overrides }: Deployment): (readonly [string, string])[] {
  const { healthCheck, skipHooks, replace } = overrides;
  const items: (readonly [string, string])[] = [];
  if (healthCheck !== undefined) {
    const check =
      healthCheck === null ? strings.deploymentPage.none : `${healthCheck.url ?? healthCheck.command ?? ''}`;
    items.push([strings.deploymentPage.healthCheck, strings.deploymentPage.overridesTheApps(check)]);
  }
  if (skipHooks !== undefined && skipHooks.length > 0)
    items.push([strings.deploymentPage.skippedHooks, skipHooks.join(', ')]);
  if (replace === true)
    items.push([strings.deploymentPage.queuedDeployments, strings.deploymentPage.cancelledByThisDeployment]);
  return items;
}

interface DeploymentContentProps {
  readonly deployment: Deployment;
  /** Undefined while it is loading. */
  readonly app: App | undefined;
}

function DetailsSection({ deployment, app }: DeploymentContentProps) {
  const { id, appId, branch, tag, commit, strategy, servers, approval, createdBy, rollbackOf, scheduledAt } =
    deployment;
  const [firstServer] = servers;
  return (
    <Section title={strings.deploymentPage.detailsTitle}>
      <DescriptionList
        items={[
          [
            strings.deploymentPage.items.app,
            <TextLink key="app" to="/apps/$app" params={{ app: appId }}>
              {app?.name ?? appId}
            </TextLink>,
          ],
          tag === null
            ? [strings.deploymentPage.items.branch, branch === null ? '–' : mono(branch)]
            : [strings.deploymentPage.items.tag, mono(tag)],
          [
            strings.deploymentPage.items.commit,
            commit === null ? '–' : <CommitLink key="commit" repository={app?.repository} commit={commit} />,
          ],
          servers.length === 1 && firstServer !== undefined
            ? [strings.deploymentPage.items.server, <ServerLink key="server" id={firstServer.serverId} />]
            : [
                strings.deploymentPage.items.strategy,
                strategy === 'rolling'
                  ? strings.deploymentPage.rollingStrategy({
                      label: STRATEGY_TEXTS[strategy].label,
                      batchSize: deployment.batchSize,
                      pauseSeconds: deployment.pauseSeconds,
                    })
                  : STRATEGY_TEXTS[strategy].label,
              ],
          rollbackOf !== null && [
            strings.deploymentPage.items.rollsBackTo,
            <TextLink key="of" to="/deployments/$id" params={{ id: rollbackOf }}>
              {strings.deploymentPage.anEarlierDeployment}
            </TextLink>,
          ],
          deployment.attempt > 1 && [strings.deploymentPage.items.attempt, String(deployment.attempt)],
          deployment.blockedBy !== null && [
            strings.deploymentPage.items.waitsFor,
            <TextLink key="blocker" to="/deployments/$id" params={{ id: deployment.blockedBy }}>
              {strings.deploymentPage.anEarlierDeployment}
            </TextLink>,
          ],
          scheduledAt !== null && [strings.deploymentPage.items.scheduledFor, formatDateTime(scheduledAt)],
          approval !== null && [
            strings.deploymentPage.items.approval,
            approval.by === null
              ? strings.deploymentPage.pending
              : strings.deploymentPage.approvedBy(actorName(approval.by)),
          ],
          ...overrideItems(deployment),
          [strings.deploymentPage.items.duration, <Duration key="duration" {...deployment} />],
          [
            strings.deploymentPage.items.created,
            <span key="created">
              {strings.deploymentPage.createdBy(<ExactTime time={deployment.createdAt} />, actorName(createdBy))}
            </span>,
          ],
          [strings.deploymentPage.items.id, <CopyableId key="id" id={id} />],
        ]}
      />
    </Section>
  );
}

function DeploymentContent({ deployment, app }: DeploymentContentProps) {
  const { api } = useWorkspace();
  const { serverName } = useProjectsAndServers();
  const { id, appId, kind, status, servers } = deployment;
  const appName = app?.name ?? appId;
  const readLog: ReadLog = (query, options) => api.deployments.logs(id, query, options);
  const log = useLiveLog(id, readLog);
  const hasSingleServer = servers.length === 1;
  return (
    <Page
      title={
        kind === 'rollback' ? strings.deploymentPage.rollbackTitle(appName) : strings.deploymentPage.titleOf(appName)
      }
      description={
        <Group gap="xs" component="span" display="inline-flex">
          <DeploymentStatusTag deployment={deployment} />
          {deployment.live && <Tag tone="success">{strings.deploymentPage.live}</Tag>}
          <span className="mono">{sourceLabel(deployment)}</span>
        </Group>
      }
      actions={<DeploymentActions deployment={deployment} app={app} />}
    >
      <FailureSection deployment={deployment} lines={log.lines.slice(-MAX_SHOWN_LINES)} />
      <StepsSection deployment={deployment} />
      <ServersSection deployment={deployment} />
      <LiveLog
        fileName={id}
        log={log}
        read={readLog}
        serverName={hasSingleServer ? undefined : serverName}
        emptyText={status === 'pending' ? strings.deploymentPage.notStartedYet : strings.deploymentPage.noOutputYet}
      />
      <VariablesSection deployment={deployment} />
      <DetailsSection deployment={deployment} app={app} />
    </Page>
  );
}

/** The page of a deployment: its progress, its hooks and its live output. */
export function DeploymentPage() {
  const { api, workspace } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'deployments', id],
    queryFn: ({ signal }) => api.deployments.get(id, { signal }),
    refetchInterval: ({ state }) =>
      state.data !== undefined && isInProgress(state.data.status) ? POLL_INTERVAL_MS : 10_000,
  });
  const appId = query.data?.appId;
  const app = useQuery({
    queryKey: [workspace.id, 'apps', appId],
    queryFn: ({ signal }) => api.apps.get(appId ?? '', { signal }),
    enabled: appId !== undefined,
  });
  return (
    <ResourcePage
      noun="deployment"
      title={strings.deploymentPage.title}
      backLink={<BackLink to="/deployments">{strings.deploymentPage.listTitle}</BackLink>}
      query={query}
    >
      {(deployment) => (
        <DeploymentContent key={`${deployment.id} ${deployment.attempt}`} deployment={deployment} app={app.data} />
      )}
    </ResourcePage>
  );
}
