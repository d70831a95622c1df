import { Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { useNames } from '../apps/names.ts';
import { CodeBlock } from '../components/code-block.tsx';
import { EditDelete } from '../components/edit-delete.tsx';
import { Facts } from '../components/facts.tsx';
import { IconPlayerPlay } from '../components/icons.ts';
import { Id } from '../components/id.tsx';
import { BackLink, TextLink } from '../components/link.tsx';
import { OneThing } from '../components/one-thing.tsx';
import { Page } from '../components/page.tsx';
import { Row, Rows } from '../components/rows.tsx';
import { Section } from '../components/section.tsx';
import { Ago } from '../components/time.tsx';
import { patiently } from '../connection.ts';
import { useWorkspace } from '../session.ts';
import { Runs } from './runs.tsx';
import { Versions } from './versions.tsx';

const RunDialog = lazy(async () => ({ default: (await patiently(() => import('./run-dialog.tsx'))).RunDialog }));
const DeleteScript = lazy(async () => ({
  default: (await patiently(() => import('./delete-script.tsx'))).DeleteScript,
}));

function Parameters({ script }: { readonly script: Script }) {
  if (script.parameters.length === 0) return null;
  return (
    <Section title="Parameters" description="They reach the script as variables of their names.">
      <Rows label="Parameters">
        {script.parameters.map(({ name, pattern, default: standard }) => (
          <Row
            key={name}
            title={<span className="mono">{name}</span>}
            note={
              <>
                {standard === null ? 'Needed' : standard === '' ? 'Empty unless given' : `Default: ${standard}`}
                {pattern !== null && (
                  <>
                    , matches <span className="mono">{pattern}</span>
                  </>
                )}
              </>
            }
          />
        ))}
      </Rows>
    </Section>
  );
}

function About({ script }: { readonly script: Script }) {
  const { isAdmin } = useWorkspace();
  const names = useNames();
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
            <EditDelete
              onEdit={() => void navigate({ to: '/scripts/$script/edit', params: { script: id }, search: {} })}
              onDelete={() => setDialog('delete')}
            />
          )}
        </Group>
      }
    >
      <Runs script={script} />
      <Section title="Body">
        <CodeBlock label="Body">{script.body}</CodeBlock>
      </Section>
      <Parameters script={script} />
      <Section title="Facts">
        <Facts
          facts={[
            [
              'Server',
              <TextLink key="server" to="/servers/$server" params={{ server: serverId }}>
                {names.serverName(serverId) ?? serverId}
              </TextLink>,
            ],
            ['Runs as', runAs ?? 'the user of the server'],
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
                      , <Ago at={nextRunAt} prefix="next " />
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
            ['Created', <Ago key="created" at={script.createdAt} />],
            ['Changed', <Ago key="changed" at={script.updatedAt} />],
            ['Id', <Id key="id" id={id} />],
          ]}
        />
      </Section>
      <Versions script={script} />
      <Suspense fallback={null}>
        {dialog === 'run' && <RunDialog script={script} onClose={close} />}
        {dialog === 'delete' && (
          <DeleteScript
            script={script}
            onClose={close}
            onDeleted={() => void navigate({ to: '/scripts', search: {} })}
          />
        )}
      </Suspense>
    </Page>
  );
}

/** One script: its runs, what it does, and how it came to be so. */
export function ScriptPage() {
  const { api, workspace } = useWorkspace();
  const { script: id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'scripts', id],
    queryFn: ({ signal }) => api.scripts.get(id, { signal }),
  });
  return (
    <OneThing noun="script" title="Script" back={<BackLink to="/scripts">Scripts</BackLink>} query={query}>
      {(script) => <About script={script} />}
    </OneThing>
  );
}
