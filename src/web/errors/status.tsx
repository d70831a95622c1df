import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import type { ErrorIssue } from '../../contract/errors.ts';
import type { ErrorLevel, IssueStatus } from '../../contract/words.ts';
import { messageOf, queryClient } from '../api.ts';
import { IconArrowBackUp, IconCheck } from '../components/icons.ts';
import { Tag, type Tone } from '../components/notice.tsx';
import { useWorkspace } from '../session.ts';

const LEVELS: Readonly<Record<ErrorLevel, Tone>> = {
  fatal: 'bad',
  error: 'bad',
  warning: 'warn',
  info: 'mute',
  debug: 'mute',
};

export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export const LevelTag = ({ level }: { readonly level: ErrorLevel }) => <Tag tone={LEVELS[level]}>{capital(level)}</Tag>;

export const StatusTag = ({ status }: { readonly status: IssueStatus }) => (
  <Tag tone={status === 'open' ? 'warn' : 'good'}>{capital(status)}</Tag>
);

/** Resolves an issue or opens it again; both lists and the issue's page show it at once. */
export function useSetStatus() {
  const { api, workspace } = useWorkspace();
  return useMutation({
    mutationFn: ({ issue, status }: { readonly issue: ErrorIssue; readonly status: IssueStatus }) =>
      api.errors.issues.update(issue.id, { status }),
    onSuccess: ({ title, status }) =>
      notifications.show({
        message:
          status === 'resolved' ? `Resolved: ${title}. It opens again when it is seen again.` : `Open again: ${title}.`,
      }),
    onError: (error) => notifications.show({ color: 'red', message: messageOf(error) }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: [workspace.id, 'errors'] }),
  });
}

/** For owners and admins. */
export function StatusButton({ issue }: { readonly issue: ErrorIssue }) {
  const set = useSetStatus();
  const isOpen = issue.status === 'open';
  return (
    <Button
      variant={isOpen ? 'filled' : 'default'}
      leftSection={isOpen ? <IconCheck size={16} /> : <IconArrowBackUp size={16} />}
      loading={set.isPending}
      onClick={() => set.mutate({ issue, status: isOpen ? 'resolved' : 'open' })}
    >
      {isOpen ? 'Resolve' : 'Reopen'}
    </Button>
  );
}
