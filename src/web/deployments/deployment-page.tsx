import { Group, Progress, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { Deployment } from '../../contract/deployments.ts';
import { STAGES } from '../apps/apps.ts';
import { useNames } from '../apps/names.ts';
import { Facts } from '../components/facts.tsx';
import { exactTime } from '../components/format.ts';
import { Id } from '../components/id.tsx';
import { BackLink, TextLink } from '../components/link.tsx';
import { Notice, Tag } from '../components/notice.tsx';
import { OneThing } from '../components/one-thing.tsx';
import { Page } from '../components/page.tsx';
import { Row, Rows } from '../components/rows.tsx';
import { Section } from '../components/section.tsx';
import { Ago } from '../components/time.tsx';
import { useWorkspace } from '../session.ts';
import { durationText } from '../work/duration.ts';
import { Duration, makerName } from '../work/facts.tsx';
import { LiveLog } from '../work/live-log.tsx';
import { isUnderWay, WorkTag } from '../work/status.tsx';
import { DeploymentActions } from './actions.tsx';
import { STRATEGY_LABELS } from './deploy.ts';
import { StatusTag, sourceName } from './status.tsx';

const POLL_EVERY = 1500;

function Steps({ deployment }: { readonly deployment: Deployment }) {
  const { hooks, progress, status, waitingFor } = deployment;
  return (
    <Section title="Steps" description={isUnderWay(status) ? `${progress} % done.` : undefined}>
      {isUnderWay(status) && waitingFor === null && (
        <Progress value={progress} aria-label="Progress" transitionDuration={0} />
      )}
      {hooks.length === 0 ? (
        <Text fz="sm" c="dimmed">
          The app has no hooks: the source is fetched, and switched to.
        </Text>
      ) : (
        <Rows label="Steps">
          {hooks.map(({ name, stage, status: hookStatus, exitCode, durationMs }) => (
            <Row
              key={`${stage} ${name}`}
              title={
                <>
                  {name} <Tag>{STAGES[stage].label}</Tag>
                </>
              }
              note={[
                durationMs === null ? null : durationText(durationMs),
                exitCode === null || exitCode === 0 ? null : `exit code ${exitCode}`,
              ]
                .filter((one) => one !== null)
                .join(', ')}
              tools={hookStatus === 'skipped' ? <Tag>Skipped</Tag> : <WorkTag status={hookStatus} />}
            />
          ))}
        </Rows>
      )}
    </Section>
  );
}

function Servers({ deployment }: { readonly deployment: Deployment }) {
  const names = useNames();
  if (deployment.servers.length < 2) return null;
  return (
    <Section title="Servers">
      <Rows label="Servers">
        {deployment.servers.map(({ serverId, status }) => (
          <Row
            key={serverId}
            title={
              <TextLink to="/servers/$server" params={{ server: serverId }}>
                {names.serverName(serverId) ?? serverId}
              </TextLink>
            }
            tools={<WorkTag status={status} />}
          />
        ))}
      </Rows>
    </Section>
  );
}

/** What the request overrode, but for what the page shows as a fact of its own. */
function overrideFacts({ overrides }: Deployment): (readonly [string, string])[] {
  const { healthCheck, skipHooks, replace } = overrides;
  const facts: (readonly [string, string])[] = [];
  if (healthCheck !== undefined) {
    const check = healthCheck === null ? 'None' : `${healthCheck.url ?? healthCheck.command ?? ''}`;
    facts.push(['Health check', `${check} (instead of the app's)`]);
  }
  if (skipHooks !== undefined && skipHooks.length > 0) facts.push(['Skipped hooks', skipHooks.join(', ')]);
  if (replace === true) facts.push(['Queued deployments', 'Cancelled by this one']);
  return facts;
}

function About({ deployment, appName }: { readonly deployment: Deployment; readonly appName: string }) {
  const { api } = useWorkspace();
  const names = useNames();
  const { id, appId, kind, status, branch, commit, strategy, servers, error, approval, createdBy } = deployment;
  const isLone = servers.length === 1;
  const [lone] = servers;
  return (
    <Page
      title={`${kind === 'rollback' ? 'Rollback' : 'Deployment'} of ${appName}`}
      description={
        <Group gap="xs" component="span" display="inline-flex">
          <StatusTag deployment={deployment} />
          {deployment.live && <Tag tone="good">Live</Tag>}
          <span className="mono">{sourceName(deployment)}</span>
        </Group>
      }
      actions={<DeploymentActions deployment={deployment} />}
    >
      {error !== null && <Notice tone={status === 'failed' ? 'bad' : 'warn'}>{error}</Notice>}
      <Steps deployment={deployment} />
      <Servers deployment={deployment} />
      <LiveLog
        id={id}
        read={(ask, call) => api.deployments.logs(id, ask, call)}
        serverName={isLone ? undefined : (serverId) => (serverId === null ? null : names.serverName(serverId))}
        silence={status === 'pending' ? 'It has not begun.' : 'Nothing was said yet.'}
      />
      <Section title="Facts">
        <Facts
          facts={[
            [
              'App',
              <TextLink key="app" to="/apps/$app" params={{ app: appId }}>
                {appName}
              </TextLink>,
            ],
            [
              'Branch',
              branch === null ? (
                '–'
              ) : (
                <span key="branch" className="mono">
                  {branch}
                </span>
              ),
            ],
            [
              'Commit',
              commit === null ? (
                '–'
              ) : (
                <span key="commit" className="mono">
                  {commit}
                </span>
              ),
            ],
            ...(isLone && lone !== undefined
              ? [
                  [
                    'Server',
                    <TextLink key="server" to="/servers/$server" params={{ server: lone.serverId }}>
                      {names.serverName(lone.serverId) ?? lone.serverId}
                    </TextLink>,
                  ] as const,
                ]
              : [
                  [
                    'Strategy',
                    strategy === 'rolling'
                      ? `${STRATEGY_LABELS[strategy].label}, ${deployment.batchSize} at a time, ${deployment.pauseSeconds} s between`
                      : STRATEGY_LABELS[strategy].label,
                  ] as const,
                ]),
            ...(deployment.rollbackOf === null
              ? []
              : [
                  [
                    'Goes back to',
                    <TextLink key="of" to="/deployments/$id" params={{ id: deployment.rollbackOf }}>
                      an earlier deployment
                    </TextLink>,
                  ] as const,
                ]),
            ...(deployment.scheduledAt === null ? [] : [['Not before', exactTime(deployment.scheduledAt)] as const]),
            ...(approval === null
              ? []
              : [['Approval', approval.by === null ? 'Waited for' : `Given by ${makerName(approval.by)}`] as const]),
            ...overrideFacts(deployment),
            ['Took', <Duration key="took" {...deployment} />],
            [
              'Begun',
              <span key="begun">
                <Ago at={deployment.createdAt} /> by {makerName(createdBy)}
              </span>,
            ],
            ['Id', <Id key="id" id={id} />],
          ]}
        />
      </Section>
    </Page>
  );
}

/** One deployment: how far it is, what its hooks did, and what it says as it says it. */
export function DeploymentPage() {
  const { api, workspace } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'deployments', id],
    queryFn: ({ signal }) => api.deployments.get(id, { signal }),
    refetchInterval: ({ state }) => (state.data !== undefined && isUnderWay(state.data.status) ? POLL_EVERY : 10_000),
  });
  const appId = query.data?.appId;
  const app = useQuery({
    queryKey: [workspace.id, 'apps', appId],
    queryFn: ({ signal }) => api.apps.get(appId ?? '', { signal }),
    enabled: appId !== undefined,
  });
  return (
    <OneThing
      noun="deployment"
      title="Deployment"
      back={<BackLink to="/deployments">Deployments</BackLink>}
      query={query}
    >
      {(deployment) => (
        <About key={deployment.id} deployment={deployment} appName={app.data?.name ?? deployment.appId} />
      )}
    </OneThing>
  );
}
