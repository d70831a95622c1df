import { Button, Group, Stack } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { Run, Script } from '../../contract/scripts.ts';
import { queryClient } from '../api.ts';
import { actorName } from '../components/actor-name.ts';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { Duration } from '../components/duration.tsx';
import { IconPlayerPlay, IconPlayerStop } from '../components/icons.ts';
import { isInProgress, JobStatusTag } from '../components/job-status.tsx';
import { lazyComponent } from '../components/lazy-component.tsx';
import { BackLink, TextLink } from '../components/link.tsx';
import { LiveLog } from '../components/live-log.tsx';
import { Notice } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { Page } from '../components/page.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { toPlainText } from '../components/terminal-text.ts';
import { type ReadLog, useLiveLog } from '../components/use-live-log.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const RunDialog = lazyComponent(() => import('./run-dialog.tsx').then((file) => file.RunDialog));
const POLL_INTERVAL_MS = 1500;

function CancelButton({ run }: { readonly run: Run }) {
  const { api, workspace } = useWorkspace();
  const cancel = useMutation({
    mutationFn: () => api.runs.cancel(run.id),
    onError: notifyError,
    onSettled: () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'runs', run.id] }),
  });
  return (
    <Button
      className="button-danger"
      leftSection={<IconPlayerStop size={16} />}
      loading={cancel.isPending}
      onClick={() => cancel.mutate()}
    >
      {strings.runPage.cancel}
    </Button>
  );
}

interface RunProps {
  readonly run: Run;
  /** Undefined while the script is loading, and if it was deleted. */
  readonly script: Script | undefined;
}

function RunProperties({ run, script }: RunProps) {
  return (
    <Section title={strings.runPage.detailsTitle}>
      <DescriptionList
        items={[
          [
            strings.runPage.items.script,
            <span key="script">
              {strings.runPage.ofVersion(
                <TextLink to="/scripts/$script" params={{ script: run.scriptId }}>
                  {script?.name ?? run.scriptId}
                </TextLink>,
                run.scriptVersion,
              )}
            </span>,
          ],
          [strings.runPage.items.exitCode, run.exitCode ?? '–'],
          [
            strings.runPage.items.duration,
            <Duration key="duration" startedAt={run.startedAt} finishedAt={run.finishedAt} />,
          ],
          [
            strings.runPage.items.created,
            <span key="created">
              {strings.runPage.createdBy(<ExactTime time={run.createdAt} />, actorName(run.createdBy))}
            </span>,
          ],
          ...Object.entries(run.parameters).map(
            ([name, value]) =>
              [
                name,
                <span key={name} className="mono" style={{ whiteSpace: 'pre-wrap' }}>
                  {value === '' ? <i>{strings.runPage.empty}</i> : value}
                </span>,
              ] as const,
          ),
          [strings.runPage.items.id, <CopyableId key="id" id={run.id} />],
        ]}
      />
    </Section>
  );
}

function RunDetails({ run, script }: RunProps) {
  const { api } = useWorkspace();
  const [isRerunning, setIsRerunning] = useState(false);
  const readLog: ReadLog = (query, options) => api.runs.logs(run.id, query, options);
  const log = useLiveLog(run.id, readLog);
  return (
    <Page
      title={script === undefined ? strings.runPage.title : strings.runPage.titleOf(script.name)}
      description={<JobStatusTag status={run.status} />}
      actions={
        <Group gap="xs">
          {isInProgress(run.status) && <CancelButton run={run} />}
          {script !== undefined && !isInProgress(run.status) && (
            <Button variant="default" leftSection={<IconPlayerPlay size={16} />} onClick={() => setIsRerunning(true)}>
              {strings.runPage.runAgain}
            </Button>
          )}
        </Group>
      }
    >
      {run.error !== null && (
        <Notice tone={run.status === 'failed' ? 'danger' : 'warning'}>{toPlainText(run.error)}</Notice>
      )}
      <LiveLog
        fileName={run.id}
        log={log}
        read={readLog}
        emptyText={run.status === 'pending' ? strings.runPage.waitingInTheQueue : strings.runPage.noOutputYet}
      />
      <RunProperties run={run} script={script} />
      {isRerunning && script !== undefined && (
        <RunDialog script={script} initialParameters={run.parameters} onClose={() => setIsRerunning(false)} />
      )}
    </Page>
  );
}

/** The page of a run: its status, live output and details. */
export function RunPage() {
  const { api, workspace } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'runs', id],
    queryFn: ({ signal }) => api.runs.get(id, { signal }),
    refetchInterval: ({ state }) =>
      state.data !== undefined && isInProgress(state.data.status) ? POLL_INTERVAL_MS : false,
  });
  const scriptId = query.data?.scriptId;
  const script = useQuery({
    queryKey: [workspace.id, 'scripts', scriptId],
    queryFn: ({ signal }) => api.scripts.get(scriptId ?? '', { signal }),
    enabled: scriptId !== undefined,
  });
  return (
    <Stack gap={0}>
      <ResourcePage
        noun="run"
        title={strings.runPage.title}
        backLink={
          scriptId === undefined ? (
            <BackLink to="/scripts">{strings.runPage.backToScripts}</BackLink>
          ) : (
            <BackLink to="/scripts/$script" params={{ script: scriptId }}>
              {script.data?.name ?? strings.runPage.backToScript}
            </BackLink>
          )
        }
        query={query}
      >
        {(run) => <RunDetails key={run.id} run={run} script={script.data} />}
      </ResourcePage>
    </Stack>
  );
}
