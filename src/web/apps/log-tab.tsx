import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import { IconFileText, IconRefresh } from '../components/icons.ts';
import { TextLink } from '../components/link.tsx';
import { LiveLog } from '../components/live-log.tsx';
import { EmptyState, QueryContent } from '../components/states.tsx';
import { type ReadLog, useLiveLog } from '../components/use-live-log.ts';
import { useWorkspace } from '../session.ts';
import { useAppQuery, useLiveDeployment } from './app-query.ts';
import { useProjectsAndServers } from './resource-names.tsx';
import { strings } from './strings.ts';

function NoLog({ app }: { readonly app: App }) {
  const { isAdmin } = useWorkspace();
  return (
    <EmptyState icon={<IconFileText size={26} />} title={strings.logTab.noLogYetTitle}>
      {strings.logTab.noLogHint}{' '}
      {isAdmin ? (
        <TextLink to="/apps/$app/settings" params={{ app: app.id }}>
          {strings.logTab.setLogCommand}
        </TextLink>
      ) : (
        strings.logTab.adminsCanSetIt
      )}
    </EmptyState>
  );
}

function AppLog({ app }: { readonly app: App }) {
  const { api } = useWorkspace();
  const { serverName } = useProjectsAndServers();
  const readLog: ReadLog = (query, options) => api.apps.logs(app.id, query, options);
  return (
    <LiveLog
      fileName={`${app.slug}-app`}
      log={useLiveLog(app.id, readLog)}
      read={readLog}
      serverName={serverName}
      emptyText={strings.logTab.noOutputYet}
    />
  );
}

function ReloadableLog({ app }: { readonly app: App }) {
  const [reloadCount, setReloadCount] = useState(0);
  return (
    <>
      <Group justify="space-between" gap="sm">
        <Text fz="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          <span className="mono">{app.logCommand}</span>
        </Text>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={16} />}
          onClick={() => setReloadCount(reloadCount + 1)}
        >
          {strings.logTab.reload}
        </Button>
      </Group>
      <AppLog key={reloadCount} app={app} />
    </>
  );
}

/** The log of an app that has no server in its settings. Its deployments can still select servers. */
function LogOfLiveDeployment({ app }: { readonly app: App }) {
  return (
    <QueryContent query={useLiveDeployment(app.id)}>
      {(liveDeployment) => (liveDeployment === null ? <NoLog app={app} /> : <ReloadableLog app={app} />)}
    </QueryContent>
  );
}

/**
 * The output of the app's log command, which runs each time the tab is opened or reloaded: on the servers of the live
 * deployment or, before the first deployment, on the app's server.
 */
export function LogTab() {
  const { data: app } = useAppQuery();
  if (app === undefined) return null;
  if (app.logCommand === null) return <NoLog app={app} />;
  return app.serverId === null ? <LogOfLiveDeployment app={app} /> : <ReloadableLog app={app} />;
}
