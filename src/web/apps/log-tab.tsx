import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import type { App } from '../../contract/apps.ts';
import { IconFileText, IconRefresh } from '../components/icons.ts';
import { TextLink } from '../components/link.tsx';
import { LiveLog } from '../components/live-log.tsx';
import { EmptyState } from '../components/states.tsx';
import { type ReadLog, useLiveLog } from '../components/use-live-log.ts';
import { useWorkspace } from '../session.ts';
import { useAppQuery } from './app-query.ts';
import { useProjectsAndServers } from './resource-names.tsx';
import { strings } from './strings.ts';

function NoLogCommand({ app }: { readonly app: App }) {
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

/** The output of the app's log command, which runs on the app's server each time the tab is opened or reloaded. */
export function LogTab() {
  const { data: app } = useAppQuery();
  const [reloadCount, setReloadCount] = useState(0);
  if (app === undefined) return null;
  if (app.logCommand === null || app.serverId === null) return <NoLogCommand app={app} />;
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
