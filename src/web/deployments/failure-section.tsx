import { Stack } from '@mantine/core';
import type { Deployment } from '../../contract/deployments.ts';
import type { LogLine } from '../../contract/logs.ts';
import { LogExcerpt } from '../components/log-excerpt.tsx';
import { Notice } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { toPlainText } from '../components/terminal-text.ts';
import { DimmedText } from '../components/text.tsx';
import { findFailedStep } from './failure.ts';
import { strings } from './strings.ts';

interface FailureSectionProps {
  readonly deployment: Deployment;
  /** The last lines of the log. */
  readonly lines: readonly LogLine[];
}

/**
 * The failed step, its error and its last lines. For a deployment that has an error but did not fail, only the error.
 */
export function FailureSection({ deployment, lines }: FailureSectionProps) {
  const { status, error } = deployment;
  if (error === null) return null;
  if (status !== 'failed') return <Notice tone="warning">{toPlainText(error)}</Notice>;
  const step = findFailedStep(deployment, lines);
  return (
    <Section
      tone="danger"
      title={step === null ? strings.deploymentPage.failedTitle : strings.deploymentPage.stepFailedTitle(step.name)}
    >
      <Notice tone="danger">{toPlainText(error)}</Notice>
      {step !== null && (
        <Stack gap="xs">
          <DimmedText>{strings.deploymentPage.lastLinesOf(step.name)}</DimmedText>
          <LogExcerpt label={strings.deploymentPage.lastLinesOf(step.name)} lines={step.lines} />
        </Stack>
      )}
    </Section>
  );
}
