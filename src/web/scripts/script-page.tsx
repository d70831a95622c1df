import { Button, Group, List } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { Script } from '../../contract/scripts.ts';
import { AppLink, ServerLink } from '../apps/resource-names.tsx';
import { CodeBlock } from '../components/code-block.tsx';
import { DescriptionList, resourceItems } from '../components/description-list.tsx';
import { DeleteButton, EditButton } from '../components/edit-delete-buttons.tsx';
import { formatDate, formatTimeOfDay } from '../components/format.ts';
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
import { strings } from './strings.ts';

const RunDialog = lazyComponent(() => import('./run-dialog.tsx').then((file) => file.RunDialog));
const DeleteScriptDialog = lazyComponent(() =>
  import('./delete-script-dialog.tsx').then((file) => file.DeleteScriptDialog),
);

function describeParameter({ pattern, default: value }: Script['parameters'][number]): ReactNode {
  const texts = strings.scriptPage;
  if (pattern === null) {
    if (value === null) return texts.required;
    return value === '' ? texts.defaultEmpty : texts.default(value);
  }
  if (value === null) return texts.requiredMatching(mono(pattern));
  return value === '' ? texts.defaultEmptyMatching(mono(pattern)) : texts.defaultMatching(value, mono(pattern));
}

function Parameters({ script }: { readonly script: Script }) {
  if (script.parameters.length === 0) return null;
  return (
    <Section title={strings.scriptPage.parametersTitle} description={strings.scriptPage.parametersDescription}>
      <ItemList label={strings.scriptPage.parameters}>
        {script.parameters.map((parameter) => (
          <ItemListRow key={parameter.name} title={mono(parameter.name)} note={describeParameter(parameter)} />
        ))}
      </ItemList>
    </Section>
  );
}

/** The next times at which a script is due. */
function NextRuns({ script: { id, nextRunAt } }: { readonly script: Script }) {
  const { api, workspace } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'scripts', id, 'next-runs', nextRunAt],
    queryFn: ({ signal }) => api.scripts.nextRuns(id, { signal }),
  });
  return (
    <List listStyleType="none" fz="sm" aria-label={strings.scriptPage.items.nextRuns}>
      {data?.data.map((time) => (
        <List.Item key={time}>
          {formatDate(time)}, {formatTimeOfDay(time)}
        </List.Item>
      ))}
    </List>
  );
}

/** The schedule of a script with the time of its next run. */
function Schedule({ script: { schedule, nextRunAt, timeZone } }: { readonly script: Script }) {
  if (schedule === null) return strings.scriptPage.none;
  if (nextRunAt === null) return strings.scriptPage.inTimeZone(mono(schedule), timeZone);
  return strings.scriptPage.inTimeZoneWithNext(
    mono(schedule),
    timeZone,
    dimmed(<RelativeTime time={nextRunAt} phrase={strings.scriptPage.next} withTime />),
  );
}

function Properties({ script }: { readonly script: Script }) {
  const { appId, serverId, runAs, nextRunAt } = script;
  return (
    <Section title={strings.scriptPage.detailsTitle}>
      <DescriptionList
        items={[
          [strings.scriptPage.items.app, appId === null ? strings.scriptPage.none : <AppLink key="app" id={appId} />],
          [strings.scriptPage.items.server, <ServerLink key="server" id={serverId} />],
          [strings.scriptPage.items.runsAs, runAs ?? strings.scriptPage.theServersUser],
          [strings.scriptPage.items.interpreter, mono(script.interpreter)],
          [strings.scriptPage.items.timeLimit, `${script.timeoutSeconds} s`],
          [
            strings.scriptPage.items.schedule,
            <span key="schedule">
              <Schedule script={script} />
            </span>,
          ],
          nextRunAt !== null && [strings.scriptPage.items.nextRuns, <NextRuns key="next" script={script} />],
          [strings.scriptPage.items.runsKept, script.keepRuns],
          [strings.scriptPage.items.version, script.version],
          ...resourceItems(script),
        ]}
      />
    </Section>
  );
}

function ScriptDetails({ script }: { readonly script: Script }) {
  const { isAdmin } = useWorkspace();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'run' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page
      title={script.name}
      description={script.description !== null && <span style={{ whiteSpace: 'pre-line' }}>{script.description}</span>}
      actions={
        <Group gap="xs">
          <Button leftSection={<IconPlayerPlay size={16} />} onClick={() => setDialog('run')}>
            {strings.scriptPage.run}
          </Button>
          {isAdmin && (
            <>
              <EditButton
                onClick={() =>
                  void navigate({ to: '/scripts/$script/edit', params: { script: script.id }, search: {} })
                }
              />
              <DeleteButton onClick={() => setDialog('delete')} />
            </>
          )}
        </Group>
      }
    >
      <ScriptRuns script={script} />
      <Section title={strings.scriptPage.bodyTitle}>
        <CodeBlock label={strings.scriptPage.body}>{script.body}</CodeBlock>
      </Section>
      <Parameters script={script} />
      <Properties script={script} />
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

/** The page of a script: its runs, body, parameters, details and versions. */
export function ScriptPage() {
  const { api } = useWorkspace();
  return (
    <NamedResourcePage noun="script" get={api.scripts.get}>
      {(script) => <ScriptDetails script={script} />}
    </NamedResourcePage>
  );
}
