import { Group, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Deployment } from '../../contract/deployments.ts';
import { WORK_STATUSES } from '../../contract/words.ts';
import type { Column } from '../components/data-table.tsx';
import { NameLink } from '../components/link.tsx';
import { ListBody } from '../components/list-body.tsx';
import type { ListState } from '../components/list-state.ts';
import { Tag } from '../components/notice.tsx';
import { Ago } from '../components/time.tsx';
import { useWorkspace } from '../session.ts';
import { Duration, makerName } from '../work/facts.tsx';
import { isUnderWay } from '../work/status.tsx';
import { DeploymentStatus, sourceName } from './status.tsx';

const POLL_EVERY = 2000;

function columnsFor(appName: ((id: string) => string) | null): readonly Column<Deployment>[] {
  return [
    {
      key: 'what',
      label: 'Deployment',
      cell: (deployment) => (
        <>
          <NameLink to="/deployments/$id" params={{ id: deployment.id }}>
            {appName === null ? sourceName(deployment) : appName(deployment.appId)}
          </NameLink>
          <Group gap={6}>
            <Text fz="xs" c="dimmed" className="mono">
              {appName === null ? (deployment.commit?.slice(0, 10) ?? '') : sourceName(deployment)}
            </Text>
            {deployment.kind === 'rollback' && <Tag>Rollback</Tag>}
            {deployment.live && <Tag tone="good">Live</Tag>}
          </Group>
        </>
      ),
    },
    { key: 'status', label: 'Status', cell: (deployment) => <DeploymentStatus deployment={deployment} /> },
    { key: 'took', label: 'Took', cell: (deployment) => <Duration {...deployment} /> },
    { key: 'begun', label: 'Begun', cell: ({ createdAt }) => <Ago at={createdAt} /> },
    { key: 'by', label: 'By', cell: ({ createdBy }) => makerName(createdBy) },
  ];
}

interface DeploymentTableProps {
  readonly state: ListState;
  /** The app whose deployments these are; undefined for all apps'. */
  readonly app: string | undefined;
  /** What each app is called, where there are several. */
  readonly appName?: (id: string) => string;
  readonly filtered: boolean;
  readonly empty: ReactNode;
}

/** Deployments, newest first, kept true while they go on. */
export function DeploymentTable({ state, app, appName, filtered, empty }: DeploymentTableProps) {
  const { api, workspace } = useWorkspace();
  const status = WORK_STATUSES.find((one) => one === state.get('status'));
  const query = { app, status, cursor: state.cursor };
  const list = useQuery({
    queryKey: [workspace.id, 'deployments', 'list', query],
    queryFn: ({ signal }) => api.deployments.list({ ...query, limit: 25 }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) =>
      data?.data.some((one) => isUnderWay(one.status)) === true ? POLL_EVERY : 5 * POLL_EVERY,
  });
  return (
    <ListBody
      label="Deployments"
      list={list}
      columns={columnsFor(appName ?? null)}
      state={state}
      rowName={({ id }) => id}
      filtered={filtered}
      empty={empty}
    />
  );
}
