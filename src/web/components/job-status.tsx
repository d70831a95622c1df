import type { WorkStatus } from '../../contract/platform-vocabulary.ts';
import { Tag, type Tone } from './notice.tsx';
import { strings } from './strings.ts';

const STATUS_TONES: Readonly<Record<WorkStatus, Tone>> = {
  pending: 'neutral',
  processing: 'warning',
  completed: 'success',
  failed: 'danger',
  cancelled: 'neutral',
};
const STATUS_LABELS: Readonly<Record<WorkStatus, string>> = strings.jobStatus.statusLabels;

export const jobStatusLabel = (status: WorkStatus): string => STATUS_LABELS[status];

export const JobStatusTag = ({ status }: { readonly status: WorkStatus }) => (
  <Tag tone={STATUS_TONES[status]}>{STATUS_LABELS[status]}</Tag>
);

/** Whether the job has not finished yet. */
export const isInProgress = (status: WorkStatus): boolean => status === 'pending' || status === 'processing';
