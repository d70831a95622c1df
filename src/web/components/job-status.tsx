import { Text } from '@mantine/core';
import type { WorkStatus } from '../../contract/vocabulary.ts';
import { Tag, type Tone } from './notice.tsx';
import { strings } from './strings.ts';
import { toPlainText } from './terminal-text.ts';

const STATUS_TONES: Readonly<Record<WorkStatus, Tone>> = {
  pending: 'mute',
  processing: 'warn',
  completed: 'good',
  failed: 'bad',
  cancelled: 'mute',
};
interface FailedWork {
  readonly status: WorkStatus;
  readonly error: string | null;
}
const STATUS_LABELS: Readonly<Record<WorkStatus, string>> = strings.jobStatus.statusLabels;

export const jobStatusLabel = (status: WorkStatus): string => STATUS_LABELS[status];

export const JobStatusTag = ({ status }: { readonly status: WorkStatus }) => (
  <Tag tone={STATUS_TONES[status]}>{STATUS_LABELS[status]}</Tag>
);

/** Why the work failed, in a table: the step, the reason and the last line of its output. */
export function FailureReason({ work: { status, error } }: { readonly work: FailedWork }) {
  if (status !== 'failed' || error === null) return null;
  return (
    <Text fz="xs" mt={2} lineClamp={3} style={{ overflowWrap: 'anywhere' }}>
      {toPlainText(error)}
    </Text>
  );
}

/** Whether the work has not finished yet. */
export const isInProgress = (status: WorkStatus): boolean => status === 'pending' || status === 'processing';
