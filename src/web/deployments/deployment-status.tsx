import { Progress, Text } from '@mantine/core';
import type { Deployment } from '../../contract/deployments.ts';
import { FailureReason } from '../components/failure-reason.tsx';
import { formatDateTime } from '../components/format.ts';
import { isInProgress, JobStatusTag } from '../components/job-status.tsx';
import { TextLink } from '../components/link.tsx';
import { Tag } from '../components/notice.tsx';
import { strings } from './strings.ts';

/** Returns the tag, the branch or the abbreviated commit of a deployment, in this order of preference. */
export function sourceLabel({ tag, branch, commit }: Pick<Deployment, 'tag' | 'branch' | 'commit'>): string {
  return tag ?? branch ?? commit?.slice(0, 10) ?? strings.deploymentStatus.unknownCommit;
}

/** The status of a deployment, or the reason why it is waiting. */
export function DeploymentStatusTag({ deployment: { status, waitingFor } }: { readonly deployment: Deployment }) {
  return waitingFor === null ? (
    <JobStatusTag status={status} />
  ) : (
    <Tag tone="warning">{strings.deploymentStatus.waitingLabels[waitingFor]}</Tag>
  );
}

/**
 * The status of a deployment and, if applicable, the reason for a failure, the progress, the scheduled start, and the
 * deployment that must finish first.
 */
export function DeploymentStatusCell({ deployment }: { readonly deployment: Deployment }) {
  const { status, progress, waitingFor, scheduledAt, blockedBy } = deployment;
  return (
    <div style={{ minWidth: 120, maxWidth: 320 }}>
      <DeploymentStatusTag deployment={deployment} />
      <FailureReason job={deployment} />
      {waitingFor === 'schedule' && scheduledAt !== null && (
        <Text fz="xs" c="dimmed">
          {formatDateTime(scheduledAt)}
        </Text>
      )}
      {blockedBy !== null && (
        <Text fz="xs" c="dimmed">
          {strings.deploymentStatus.afterAnother(
            <TextLink to="/deployments/$id" params={{ id: blockedBy }}>
              {strings.deploymentStatus.anotherDeployment}
            </TextLink>,
          )}
        </Text>
      )}
      {isInProgress(status) && waitingFor === null && (
        <Progress
          value={progress}
          size="sm"
          mt={6}
          aria-label={strings.deploymentStatus.progress}
          transitionDuration={0}
        />
      )}
    </div>
  );
}
