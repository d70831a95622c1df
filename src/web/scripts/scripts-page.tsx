import { Button, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { ServerLink, useProjectsAndServers } from '../apps/resource-names.tsx';
import { nameColumn, UPDATED_COLUMN } from '../components/columns.tsx';
import type { Column } from '../components/data-table.tsx';
import { IconPlayerPlay, IconTerminal2 } from '../components/icons.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { ButtonLink } from '../components/link.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourceListPage } from '../components/resource-list-page.tsx';
import { isolate } from '../components/sentence.ts';
import { mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const RunDialog = lazyComponent(() => import('./run-dialog.tsx').then((file) => file.RunDialog));
const DeleteScriptDialog = lazyComponent(() =>
  import('./delete-script-dialog.tsx').then((file) => file.DeleteScriptDialog),
);

function columnsFor(onRun: (script: Script) => void): readonly Column<Script>[] {
  return [
    nameColumn('/scripts/$script', 'script', ({ description }) => description),
    { key: 'server', label: strings.scriptsPage.columns.server, cell: ({ serverId }) => <ServerLink id={serverId} /> },
    {
      key: 'schedule',
      label: strings.scriptsPage.columns.schedule,
      cell: ({ schedule, nextRunAt }) => (
        <>
          {schedule === null ? '–' : mono(schedule)}
          {nextRunAt !== null && (
            <Text fz="xs" c="dimmed" component="div">
              <RelativeTime time={nextRunAt} phrase={strings.scriptsPage.next} withTime />
            </Text>
          )}
        </>
      ),
    },
    UPDATED_COLUMN,
    {
      key: 'run',
      label: strings.scriptsPage.columns.run,
      cell: (script) => (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlayerPlay size={14} />}
          onClick={() => onRun(script)}
        >
          {strings.scriptsPage.run}
          <span className="visually-hidden"> {isolate(script.name)}</span>
        </Button>
      ),
    },
  ];
}

/** The scripts of the workspace. Owners and admins edit them; every member can run them. */
export function ScriptsPage() {
  const { api } = useWorkspace();
  const navigate = useNavigate();
  const { servers, isPending } = useProjectsAndServers();
  const [running, setRunning] = useState<Script | null>(null);
  const hasServers = isPending || servers.length > 0;
  return (
    <>
      <ResourceListPage
        noun="script"
        description={strings.scriptsPage.description}
        icon={<IconTerminal2 size={26} />}
        emptyHint={hasServers ? strings.scriptsPage.emptyHint : strings.scriptsPage.needsServer}
        prerequisite={
          hasServers ? undefined : <ButtonLink to="/servers">{strings.scriptsPage.addAServerFirst}</ButtonLink>
        }
        list={api.scripts.list}
        columns={columnsFor(setRunning)}
        filters={{ server: servers }}
        onCreate={() => void navigate({ to: '/scripts/new', search: {} })}
        onEdit={({ id }) => void navigate({ to: '/scripts/$script/edit', params: { script: id }, search: {} })}
        renderDeleteDialog={(script, close) => <DeleteScriptDialog script={script} onClose={close} />}
      />
      {running !== null && <RunDialog script={running} onClose={() => setRunning(null)} />}
    </>
  );
}
