import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import type { ErrorIssue } from '../../contract/errors.ts';
import type { ErrorLevel, IssueStatus } from '../../contract/platform-vocabulary.ts';
import { queryClient } from '../api.ts';
import { capitalize } from '../components/format.ts';
import { IconArrowBackUp, IconBellOff, IconCheck, type IconComponent } from '../components/icons.ts';
import { Tag, type Tone } from '../components/notice.tsx';
import { notifyError } from '../components/notify-error.ts';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const LEVEL_TONES: Readonly<Record<ErrorLevel, Tone>> = {
  fatal: 'danger',
  error: 'danger',
  warning: 'warning',
  info: 'neutral',
  debug: 'neutral',
};

export const LevelTag = ({ level }: { readonly level: ErrorLevel }) => (
  <Tag tone={LEVEL_TONES[level]}>{capitalize(level)}</Tag>
);

const STATUS_TONES: Readonly<Record<IssueStatus, Tone>> = { open: 'warning', resolved: 'success', muted: 'neutral' };

export const IssueStatusTag = ({ status }: { readonly status: IssueStatus }) => (
  <Tag tone={STATUS_TONES[status]}>{capitalize(status)}</Tag>
);

interface StatusChange {
  readonly issue: ErrorIssue;
  readonly status: IssueStatus;
  /** For the status resolved: the release that contains the fix, if it is known. */
  readonly release?: string | null;
}

/** Returns a mutation that changes the status of an issue and refreshes the lists and the issue's page. */
export function useSetIssueStatus() {
  const { api, workspace } = useWorkspace();
  return useMutation({
    mutationFn: ({ issue, status, release = null }: StatusChange) =>
      api.errors.issues.update(issue.id, { status, release }),
    onSuccess: ({ title, status, resolvedInRelease }) =>
      notifications.show({
        message:
          resolvedInRelease === null
            ? strings.issueStatus.messages[status](title)
            : strings.issueStatus.resolvedIn(title, resolvedInRelease),
      }),
    onError: notifyError,
    onSettled: () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'errors'] }),
  });
}

/** The statuses that an issue can be changed to, by its current status. */
export const STATUS_TRANSITIONS: Readonly<Record<IssueStatus, readonly IssueStatus[]>> = {
  open: ['resolved', 'muted'],
  resolved: ['open', 'muted'],
  muted: ['open', 'resolved'],
};

export const STATUS_ACTIONS: Readonly<Record<IssueStatus, { readonly label: string; readonly Icon: IconComponent }>> = {
  open: { label: strings.issueStatus.actions.open, Icon: IconArrowBackUp },
  resolved: { label: strings.issueStatus.actions.resolved, Icon: IconCheck },
  muted: { label: strings.issueStatus.actions.muted, Icon: IconBellOff },
};

export function IssueStatusButtons({ issue }: { readonly issue: ErrorIssue }) {
  const setStatus = useSetIssueStatus();
  const { release } = issue;
  const buttons = STATUS_TRANSITIONS[issue.status].map((status) => {
    const { label, Icon } = STATUS_ACTIONS[status];
    return (
      <Button
        key={status}
        variant={issue.status === 'open' && status === 'resolved' ? 'filled' : 'default'}
        leftSection={<Icon size={16} />}
        loading={setStatus.isPending && setStatus.variables.status === status && !setStatus.variables.release}
        onClick={() => setStatus.mutate({ issue, status })}
      >
        {label}
      </Button>
    );
  });
  if (release === null || issue.status === 'resolved') return buttons;
  return (
    <>
      {buttons}
      <Button variant="default" onClick={() => setStatus.mutate({ issue, status: 'resolved', release })}>
        {strings.issueStatus.resolveIn(release.length > 24 ? `${release.slice(0, 24)}…` : release)}
      </Button>
    </>
  );
}
