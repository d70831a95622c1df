import { Button, Group } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { ServerLink } from '../apps/resource-names.tsx';
import { CodeBlock } from '../components/code-block.tsx';
import { DescriptionList, resourceItems } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { IconPlayerPlay } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { lazyComponent } from '../components/lazy-component.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { NamedResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { dimmed, mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { ScriptRuns } from './script-runs.tsx';
import { ScriptVersions } from './script-versions.tsx';

const RunDialog = lazyComponent(() => import('./run-dialog.tsx').then((file) => file.RunDialog));
const DeleteScriptDialog = lazyComponent(() =>
  import('./delete-script-dialog.tsx').then((file) => file.DeleteScriptDialog),
);

function Parameters({ script }: { readonly script: Script }) {
  if (script.parameters.length === 0) return null;
  return (
    <Section title="Parameters" description="The script receives each one as an environment variable of the same name.">
      <ItemList label="Parameters">
        {script.parameters.map(({ name, pattern, default: defaultValue }) => (
          <ItemListRow
            key={name}
            title={mono(name)}
            note={
              <>
                {defaultValue === null
                  ? 'Required'
                  : defaultValue === ''
                    ? 'Default: empty'
                    : `Default: ${defaultValue}`}
                {pattern !== null && <>, must match {mono(pattern)}</>}
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
            <>
              <EditButton
                onClick={() => void navigate({ to: '/scripts/$script/edit', params: { script: id }, search: {} })}
              />
              <DeleteButton onClick={() => setDialog('delete')} />
            </>
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
            ['Server', <ServerLink key="server" id={serverId} />],
            ['Runs as', runAs ?? "The server's user"],
            ['Interpreter', mono(script.interpreter)],
            ['Time limit', `${script.timeoutSeconds} s`],
            [
              'Schedule',
              schedule === null ? (
                'None'
              ) : (
                <span key="schedule">
                  {mono(schedule)} (UTC)
                  {nextRunAt !== null && (
                    <>, {dimmed(<RelativeTime time={nextRunAt} phrase={(time) => `next ${time}`} />)}</>
                  )}
                </span>
              ),
            ],
            ['Version', script.version],
            ...resourceItems(script),
          ]}
        />
      </Section>
      <ScriptVersions script={script} />
      {dialog === 'run' && <RunDialog script={script} onClose={close} />}
      {dialog === 'delete' && (
        <DeleteScriptDialog
          script={script}
          onClose={close}
          onDeleted={() => void navigate({ to: '/scripts', search: {} })}
        />
      )}
    </Page>
  );
}

/** The page of a script: its runs, its source and its versions. */
export function ScriptPage() {
  const { api } = useWorkspace();
  return (
    <NamedResourcePage noun="script" get={api.scripts.get}>
      {(script) => <ScriptDetails script={script} />}
    </NamedResourcePage>
  );
}
