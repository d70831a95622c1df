import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { EventList } from '../activity-log/event-list.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, QueryContent } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

/**
 * The newest activity log entries whose actor or target is a credential, even if it was deleted. For owners and admins.
 */
export function ActivitySection({ id }: { readonly id: string }) {
  const { workspace, api } = useWorkspace();
  const query = useQuery({
    queryKey: [workspace.id, 'audit-events', 'of', id],
    queryFn: ({ signal }) => api.auditEvents.list({ credential: id, limit: 20 }, { signal }),
    refetchInterval: 10_000,
  });
  return (
    <Section
      title={strings.activitySection.activityTitle}
      description={strings.activitySection.activityDescription}
      actions={
        <Anchor
          fz="sm"
          renderRoot={(props) => (
            <Link to="/settings/activity-log" search={{ workspace: workspace.slug, credential: id }} {...props} />
          )}
        >
          {strings.activitySection.viewInActivityLog}
        </Anchor>
      }
    >
      <QueryContent query={query} placeholder={<BlockSkeleton height={160} />}>
        {({ data }) =>
          data.length === 0 ? (
            <DimmedText>{strings.activitySection.noActivityRecorded}</DimmedText>
          ) : (
            <EventList events={data} headingLevel={3} />
          )
        }
      </QueryContent>
    </Section>
  );
}
