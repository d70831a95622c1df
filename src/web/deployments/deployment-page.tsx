import { Group, Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { Deployment } from '../../contract/deployments.ts';
import { HOOK_STAGE_LABELS } from '../apps/app-form.ts';
import { ServerLink, useResourceNames } from '../apps/resource-names.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { actorName, Duration } from '../components/duration.tsx';
import { formatDateTime } from '../components/format.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { isInProgress, JobStatusTag } from '../components/job-status.tsx';
import { BackLink, TextLink } from '../components/link.tsx';
import { LiveLog } from '../components/live-log.tsx';
import { Notice, Tag } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText, mono } from '../components/text.tsx';
import { formatDuration } from '../components/units.ts';
import { useWorkspace } from '../session.ts';
import { STRATEGY_LABELS } from './deploy-form.ts';
import { DeploymentActions } from './deployment-actions.tsx';
import { DeploymentStatusTag, sourceLabel } from './deployment-status.tsx';

const POLL_INTERVAL_MS = 1500;

function HookSteps({ deployment }: { readonly deployment: Deployment }) {
  const { hooks, progress, status, waitingFor } = deployment;
  return (
    <Section title="Steps" description={isInProgress(status) ? `${progress}% done.` : undefined}>
      {isInProgress(status) && waitingFor === null && (
        <Progress value={progress} aria-label="Progress" transitionDuration={0} />
      )}
      {hooks.length === 0 ? (
        <DimmedText>No hooks. The deployment only checks out the source and activates it.</DimmedText>
      ) : (
        <ItemList label="Steps">
          {hooks.map(({ name, stage, status: hookStatus, exitCode, durationMs }) => (
            <ItemListRow
              key={`${stage} ${name}`}
              title={
                <>
                  {name} <Tag>{HOOK_STAGE_LABELS[stage].label}</Tag>
                </>
              }
              note={[
                durationMs === null ? null : formatDuration(durationMs),
                exitCode === null || exitCode === 0 ? null : `exit code ${exitCode}`,
              ]
                .filter((part) => part !== null)
                .join(', ')}
              actions={hookStatus === 'skipped' ? <Tag>Skipped</Tag> : <JobStatusTag status={hookStatus} />}
            />
          ))}
        </ItemList>
      )}
    </Section>
  );
}

function Servers({ deployment }: { readonly deployment: Deployment }) {
  if (deployment.servers.length < 2) return null;
  return (
    <Section title="Servers">
      <ItemList label="Servers">
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
    const check = healthCheck === null ? 'None' : `${healthCheck.url ?? healthCheck.command ?? ''}`;
    items.push(['Health check', `${check} (overrides the app's)`]);
  }
  if (skipHooks !== undefined && skipHooks.length > 0) items.push(['Skipped hooks', skipHooks.join(', ')]);
  if (replace === true) items.push(['Queued deployments', 'Cancelled by this deployment']);
  return items;
}

function DeploymentDetails({ deployment, appName }: { readonly deployment: Deployment; readonly appName: string }) {
  const { api } = useWorkspace();
  const names = useResourceNames();
  const { id, appId, kind, status, branch, commit, strategy, servers, error, approval, createdBy } = deployment;
  const { rollbackOf, scheduledAt } = deployment;
  const hasSingleServer = servers.length === 1;
  const [onlyServer] = servers;
  return (
    <Page
      title={`${kind === 'rollback' ? 'Rollback' : 'Deployment'} of ${appName}`}
      description={
        <Group gap="xs" component="span" display="inline-flex">
          <DeploymentStatusTag deployment={deployment} />
          {deployment.live && <Tag tone="good">Live</Tag>}
          <span className="mono">{sourceLabel(deployment)}</span>
        </Group>
      }
      actions={<DeploymentActions deployment={deployment} />}
    >
      {error !== null && <Notice tone={status === 'failed' ? 'bad' : 'warn'}>{error}</Notice>}
      <HookSteps deployment={deployment} />
      <Servers deployment={deployment} />
      <LiveLog
        id={id}
        read={(query, options) => api.deployments.logs(id, query, options)}
        serverName={hasSingleServer ? undefined : (serverId) => (serverId === null ? null : names.serverName(serverId))}
        emptyText={status === 'pending' ? 'Not started yet.' : 'No output yet.'}
      />
      <Section title="Details">
        <DescriptionList
          items={[
            [
              'App',
              <TextLink key="app" to="/apps/$app" params={{ app: appId }}>
                {appName}
              </TextLink>,
            ],
            ['Branch', branch === null ? '–' : mono(branch)],
            ['Commit', commit === null ? '–' : mono(commit)],
            hasSingleServer && onlyServer !== undefined
              ? ['Server', <ServerLink key="server" id={onlyServer.serverId} />]
              : [
                  'Strategy',
                  strategy === 'rolling'
                    ? `${STRATEGY_LABELS[strategy].label}, ${deployment.batchSize} at a time, ${deployment.pauseSeconds} s pause`
                    : STRATEGY_LABELS[strategy].label,
                ],
            rollbackOf !== null && [
              'Rolls back to',
              <TextLink key="of" to="/deployments/$id" params={{ id: rollbackOf }}>
                an earlier deployment
              </TextLink>,
            ],
            scheduledAt !== null && ['Scheduled for', formatDateTime(scheduledAt)],
            approval !== null && [
              'Approval',
              approval.by === null ? 'Pending' : `Approved by ${actorName(approval.by)}`,
            ],
            ...overrideItems(deployment),
            ['Duration', <Duration key="duration" {...deployment} />],
            [
              'Started',
              <span key="started">
                <RelativeTime time={deployment.createdAt} /> by {actorName(createdBy)}
              </span>,
            ],
            ['ID', <CopyableId key="id" id={id} />],
          ]}
        />
      </Section>
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
      title="Deployment"
      backLink={<BackLink to="/deployments">Deployments</BackLink>}
      query={query}
    >
      {(deployment) => (
        <DeploymentDetails key={deployment.id} deployment={deployment} appName={app.data?.name ?? deployment.appId} />
      )}
    </ResourcePage>
  );
}
