import { Text } from '@mantine/core';
import type { WorkStatus } from '../../contract/platform-vocabulary.ts';
import { toPlainText } from './terminal-text.ts';

interface Job {
  readonly status: WorkStatus;
  readonly error: string | null;
}

/** The error of a failed job, for a table cell. Renders nothing for other jobs. */
export function FailureReason({ job: { status, error } }: { readonly job: Job }) {
  if (status !== 'failed' || error === null) return null;
  return (
    <Text fz="xs" mt={2} lineClamp={3} style={{ overflowWrap: 'anywhere' }}>
      {toPlainText(error)}
    </Text>
  );
}
