import { Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { useResourceNames } from '../apps/resource-names.tsx';
import { CodeBlock } from '../components/code-block.tsx';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { EditDeleteButtons } from '../components/edit-delete-buttons.tsx';
import { IconPlayerPlay } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { BackLink, TextLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { importWhenOnline } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { ScriptRuns } from './script-runs.tsx';
import { ScriptVersions } from './script-versions.tsx';

const RunDialog = lazy(async () => ({ default: (await importWhenOnline(() => import('./run-dialog.tsx'))).RunDialog }));
const DeleteScriptDialog = lazy(async () => ({
  default: (await importWhenOnline(() => import('./delete-script-dialog.tsx'))).DeleteScriptDialog,
}));

function Parameters({ script }: { readonly script: Script }) {
  if (script.parameters.length === 0) return null;
  return (
    <Section title="Parameters" description="The script receives each one as an environment variable of the same name.">
      <ItemList label="Parameters">
        {script.parameters.map(({ name, pattern, default: defaultValue }) => (
          <ItemListRow
            key={name}
            title={<span className="mono">{name}</span>}
            note={
              <>
                {defaultValue === null
                  ? 'Required'
                  : defaultValue === ''
                    ? 'Default: empty'
                    : `Default: ${defaultValue}`}
                {pattern !== null && (
                  <>
                    , must match <span className="mono">{pattern}</span>
                  </>
                )}
              </>
            }
          />
        ))}
      </ItemList>
    </Section>
  );
}

function ScriptDetails({ script }: { readonly script: Script }) {
  const { isAdmin } = useWorkspace();
  const names = useResourceNames();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'run' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const { id, serverId, runAs, schedule, nextRunAt } = script;
  return (
    <Page
      title={script.name}
      description={script.description !== null && <span style={{ whiteSpace: 'pre-line' }}>{script.description}</span>}
      actions={
        <Group gap="xs">
          <Button leftSection={<IconPlayerPlay size={16} />} onClick={() => setDialog('run')}>
            Run…
          </Button>
          {isAdmin && (
            <EditDeleteButtons
              onEdit={() => void navigate({ to: '/scripts/$script/edit', params: { script: id }, search: {} })}
              onDelete={() => setDialog('delete')}
            />
          )}
        </Group>
      }
    >
      <ScriptRuns script={script} />
      <Section title="Body">
        <CodeBlock label="Body">{script.body}</CodeBlock>
      </Section>
      <Parameters script={script} />
      <Section title="Details">
        <DescriptionList
          items={[
            [
              'Server',
              <TextLink key="server" to="/servers/$server" params={{ server: serverId }}>
                {names.serverName(serverId) ?? serverId}
              </TextLink>,
            ],
            ['Runs as', runAs ?? "The server's user"],
            [
              'Interpreter',
              <span key="interpreter" className="mono">
                {script.interpreter}
              </span>,
            ],
            ['Time limit', `${script.timeoutSeconds} s`],
            [
              'Schedule',
              schedule === null ? (
                'None'
              ) : (
                <span key="schedule">
                  <span className="mono">{schedule}</span> (UTC)
                  {nextRunAt !== null && (
                    <Text span inherit c="dimmed">
                      , <RelativeTime time={nextRunAt} prefix="next " />
                    </Text>
                  )}
                </span>
              ),
            ],
            ['Version', script.version],
            [
              'Slug',
              <span key="slug" className="mono">
                {script.slug}
              </span>,
            ],
            ['Created', <RelativeTime key="created" time={script.createdAt} />],
            ['Updated', <RelativeTime key="changed" time={script.updatedAt} />],
            ['ID', <CopyableId key="id" id={id} />],
          ]}
        />
      </Section>
      <ScriptVersions script={script} />
      <Suspense fallback={null}>
        {dialog === 'run' && <RunDialog script={script} onClose={close} />}
        {dialog === 'delete' && (
          <DeleteScriptDialog
            script={script}
            onClose={close}
            onDeleted={() => void navigate({ to: '/scripts', search: {} })}
          />
        )}
      </Suspense>
    </Page>
  );
}

/** The page of a script: its runs, its source and its versions. */
export function ScriptPage() {
  const { api, workspace } = useWorkspace();
  const { script: id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'scripts', id],
    queryFn: ({ signal }) => api.scripts.get(id, { signal }),
  });
  return (
    <ResourcePage noun="script" title="Script" backLink={<BackLink to="/scripts">Scripts</BackLink>} query={query}>
      {(script) => <ScriptDetails script={script} />}
    </ResourcePage>
  );
}
