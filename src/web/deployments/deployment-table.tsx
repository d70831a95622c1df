import { Group, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Deployment } from '../../contract/deployments.ts';
import { WORK_STATUSES } from '../../contract/platform-vocabulary.ts';
import { actorName } from '../components/actor-name.ts';
import type { Column } from '../components/data-table.tsx';
import { Duration } from '../components/duration.tsx';
import { IconAction } from '../components/icon-action.tsx';
import { IconArrowBackUp } from '../components/icons.ts';
import { NameLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import type { ListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { jobPolling, useList } from '../components/use-list.ts';
import { useWorkspace } from '../session.ts';
import { CommitLink } from './commit-link.tsx';
import { DeploymentStatusCell, sourceLabel } from './deployment-status.tsx';
import { RollBackDialog } from './roll-back-dialog.tsx';
import { strings } from './strings.ts';

interface ColumnOptions {
  /** Returns the name of an app; null if all deployments are of the same app. */
  readonly appName: ((id: string) => string) | null;
  /** Returns the repository of an app; undefined if the app is unknown. */
  readonly repositoryOf: (appId: string) => string | null | undefined;
}

function columnsFor({ appName, repositoryOf }: ColumnOptions): readonly Column<Deployment>[] {
  return [
    {
      key: 'deployment',
      label: strings.deploymentTable.deployment,
      cell: (deployment) => (
        <>
          <NameLink to="/deployments/$id" params={{ id: deployment.id }}>
            {appName === null ? sourceLabel(deployment) : appName(deployment.appId)}
          </NameLink>
          <Group gap={6}>
            <Text fz="xs" c="dimmed" className="mono">
              {appName !== null && sourceLabel(deployment)}{' '}
              {deployment.commit !== null && sourceLabel(deployment) !== deployment.commit.slice(0, 10) && (
                <CommitLink repository={repositoryOf(deployment.appId)} commit={deployment.commit} length={10} />
              )}
            </Text>
            {deployment.kind === 'rollback' && <Tag>{strings.deploymentTable.rollback}</Tag>}
            {deployment.live && <Tag tone="success">{strings.deploymentTable.live}</Tag>}
          </Group>
        </>
      ),
    },
    {
      key: 'status',
      label: strings.deploymentTable.status,
      cell: (deployment) => <DeploymentStatusCell deployment={deployment} />,
    },
    { key: 'duration', label: strings.deploymentTable.duration, cell: (deployment) => <Duration {...deployment} /> },
    {
      key: 'created',
      label: strings.deploymentTable.created,
      cell: ({ createdAt }) => <TimeCell time={createdAt} relative />,
    },
    { key: 'by', label: strings.deploymentTable.createdBy, cell: ({ createdBy }) => actorName(createdBy) },
  ];
}

interface DeploymentTableProps {
  readonly state: ListState;
  /** The ID of the app whose deployments are shown; undefined for all apps. */
  readonly app: string | undefined;
  /** Omitted if all deployments are of the same app. */
  readonly appName?: ColumnOptions['appName'];
  readonly repositoryOf: ColumnOptions['repositoryOf'];
  readonly isFiltered: boolean;
  readonly empty: ReactNode;
}

/** Deployments, newest first, refreshed more often while any is in progress. */
export function DeploymentTable({ state, app, appName = null, repositoryOf, isFiltered, empty }: DeploymentTableProps) {
  const [rollingBackTo, setRollingBackTo] = useState<Deployment | null>(null);
  const { api, workspace } = useWorkspace();
  const status = WORK_STATUSES.find((value) => value === state.get('status'));
  const list = useList(
    [workspace.id, 'deployments'],
    api.deployments.list,
    { app, status, cursor: state.cursor, limit: 25 },
    jobPolling,
  );
  return (
    <>
      <ListBody
        label={strings.deploymentTable.deployments}
        list={list}
        columns={columnsFor({ appName, repositoryOf })}
        state={state}
        rowName={({ id }) => id}
        isFiltered={isFiltered}
        empty={empty}
        renderRowActions={(deployment) =>
          deployment.status === 'completed' &&
          !deployment.live && (
            <IconAction
              label={strings.deploymentTable.rollBackTo(sourceLabel(deployment))}
              Icon={IconArrowBackUp}
              onClick={() => setRollingBackTo(deployment)}
            />
          )
        }
      />
      {rollingBackTo !== null && <RollBackDialog deployment={rollingBackTo} onClose={() => setRollingBackTo(null)} />}
    </>
  );
}
