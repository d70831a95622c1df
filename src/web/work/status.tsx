import type { WorkStatus } from '../../contract/words.ts';
import { Tag, type Tone } from '../components/notice.tsx';

const TONES: Readonly<Record<WorkStatus, Tone>> = {
  pending: 'mute',
  processing: 'warn',
  completed: 'good',
  failed: 'bad',
  cancelled: 'mute',
};
const LABELS: Readonly<Record<WorkStatus, string>> = {
  pending: 'Waiting',
  processing: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const statusLabel = (status: WorkStatus): string => LABELS[status];

export const WorkTag = ({ status }: { readonly status: WorkStatus }) => (
  <Tag tone={TONES[status]}>{LABELS[status]}</Tag>
);

/** Whether more will come of it. */
export const isUnderWay = (status: WorkStatus): boolean => status === 'pending' || status === 'processing';
