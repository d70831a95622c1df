import { Text } from '@mantine/core';
import { CodeBlock } from '../components/code-block.tsx';
import { IconChartBar } from '../components/icons.ts';
import { ButtonLink } from '../components/link.tsx';
import { EmptyState } from '../components/states.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const exampleCommand = (origin: string) => `curl ${origin}/v1/activity/events \\
  -H "Authorization: Bearer $DEVPILOT_TOKEN" \\
  -H "Content-Type: application/cloudevents+json" \\
  -d '{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","subject":"customer-17"}'`;

/** Shown instead of the chart if there are no events in the time range. */
export function HowToSend() {
  const { isAdmin } = useWorkspace();
  return (
    <EmptyState
      icon={<IconChartBar size={26} />}
      title={strings.howToSend.title}
      action={
        isAdmin && (
          <ButtonLink
            to="/settings/access-tokens"
            search={{ new: 'true', name: strings.howToSend.tokenName, scopes: 'activity_tracker' }}
          >
            {strings.howToSend.createToken}
          </ButtonLink>
        )
      }
    >
      {strings.howToSend.introduction(<code>activity_tracker</code>)}
      <Text c="var(--mantine-color-text)" component="div" mt="sm" ta="left">
        <CodeBlock label={strings.howToSend.sendAnEvent}>{exampleCommand(window.location.origin)}</CodeBlock>
      </Text>
    </EmptyState>
  );
}
