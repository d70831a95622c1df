import { Text } from '@mantine/core';
import { CodeBlock } from '../components/code-block.tsx';
import { IconChartBar } from '../components/icons.ts';
import { TextLink } from '../components/link.tsx';
import { EmptyState } from '../components/states.tsx';

const exampleCommand = (origin: string) => `curl ${origin}/v1/activity/events \\
  -H "Authorization: Bearer $DEVPILOT_TOKEN" \\
  -H "Content-Type: application/cloudevents+json" \\
  -d '{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","subject":"customer-17"}'`;

/** Shown instead of the chart while there are no events. */
export function HowToSend() {
  return (
    <EmptyState icon={<IconChartBar size={26} />} title="No events in this time range">
      To send CloudEvents, use an <TextLink to="/settings/access-tokens">access token</TextLink> with the{' '}
      <code>activity_tracker</code> scope:
      <Text c="var(--mantine-color-text)" component="div" mt="sm" ta="left">
        <CodeBlock label="Send an event">{exampleCommand(window.location.origin)}</CodeBlock>
      </Text>
    </EmptyState>
  );
}
