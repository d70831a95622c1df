import { Button, Group, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { ErrorEvent, ErrorIssueDetail } from '../../contract/errors.ts';
import { CopyableId } from '../components/copyable-id.tsx';
import { DescriptionList } from '../components/description-list.tsx';
import { DeleteButton } from '../components/edit-delete-buttons.tsx';
import { formatDateTime } from '../components/format.ts';
import { BackLink } from '../components/link.tsx';
import { Page } from '../components/page.tsx';
import { ExactTime, RelativeTime } from '../components/relative-time.tsx';
import { ResourcePage } from '../components/resource-page.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, QueryContent } from '../components/states.tsx';
import { DimmedText, dimmed } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { DeleteIssueDialog } from './delete-issue-dialog.tsx';
import styles from './errors.module.css';
import { IssueStatusButtons, IssueStatusTag, LevelTag } from './issue-status.tsx';
import { Occurrence } from './occurrence.tsx';
import { DailyCountsChart } from './sparkline.tsx';
import { strings } from './strings.ts';

interface FacetProps {
  readonly title: string;
  readonly values: ErrorIssueDetail['releases'];
}

function Facet({ title, values }: FacetProps) {
  if (values.length === 0) return null;
  const maxCount = Math.max(1, ...values.map(({ count }) => count));
  return (
    <Section title={title}>
      <ul style={{ listStyle: 'none', margin: 0, padding: 0 }} aria-label={title}>
        {values.map(({ value, count, lastSeenAt }) => (
          <li key={value} className={styles['facet']}>
            <div>
              <b>{value}</b>
              <span>{count.toLocaleString('en')}</span>
            </div>
            <div className={styles['bar']} aria-hidden>
              <span style={{ width: `${(count / maxCount) * 100}%` }} />
            </div>
            <Text fz="xs" c="dimmed" component="div">
              <RelativeTime time={lastSeenAt} phrase={strings.issuePage.lastSeen} withDate />
            </Text>
          </li>
        ))}
      </ul>
    </Section>
  );
}

interface OccurrenceViewProps {
  readonly event: ErrorEvent | undefined;
  readonly isLatest: boolean;
  /** Null if the latest occurrence is shown. */
  readonly onNewer: (() => void) | null;
  /** Null if the oldest stored occurrence is shown. */
  readonly onOlder: (() => void) | null;
}

function OccurrenceView({ event, isLatest, onNewer, onOlder }: OccurrenceViewProps) {
  if (event === undefined) {
    return (
      <Section title={strings.issuePage.occurrencesTitle}>
        <DimmedText>{strings.issuePage.noOccurrences}</DimmedText>
      </Section>
    );
  }
  const source = [event.app, event.environment, event.release].filter((part) => part !== null);
  return (
    <>
      <Group justify="space-between" gap="sm">
        <Text fz="sm" role="status">
          {isLatest ? strings.issuePage.latestOccurrence : strings.issuePage.occurrence}, {formatDateTime(event.time)}
          {source.length > 0 && dimmed(` ${source.join(' · ')}`)}
        </Text>
        <Group gap="xs">
          <Button size="xs" variant="default" disabled={onNewer === null} onClick={() => onNewer?.()}>
            {strings.issuePage.newer}
          </Button>
          <Button size="xs" variant="default" disabled={onOlder === null} onClick={() => onOlder?.()}>
            {strings.issuePage.older}
          </Button>
        </Group>
      </Group>
      <Occurrence event={event} />
    </>
  );
}

/** The stored occurrences of an issue, one at a time, with buttons for older and newer occurrences. */
function Occurrences({ issue }: { readonly issue: ErrorIssueDetail }) {
  const { api, workspace } = useWorkspace();
  const [cursors, setCursors] = useState<readonly (string | undefined)[]>([undefined]);
  const cursor = cursors.at(-1);
  const query = useQuery({
    // With the count in its key, the latest occurrence is read again after the error has recurred.
    queryKey: [workspace.id, 'errors', issue.id, 'events', cursor, cursor === undefined && issue.count],
    queryFn: ({ signal }) => api.errors.issues.events(issue.id).list({ limit: 1, cursor }, { signal }),
    placeholderData: keepPreviousData,
  });
  return (
    <QueryContent query={query} placeholder={<BlockSkeleton height={420} />}>
      {({ data: [event], nextCursor }) => (
        <OccurrenceView
          event={event}
          isLatest={cursor === undefined}
          onNewer={cursors.length === 1 ? null : () => setCursors(cursors.slice(0, -1))}
          onOlder={nextCursor === null ? null : () => setCursors([...cursors, nextCursor])}
        />
      )}
    </QueryContent>
  );
}

function IssueDetails({ issue }: { readonly issue: ErrorIssueDetail }) {
  const { isAdmin } = useWorkspace();
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  return (
    <Page
      title={issue.title}
      description={
        <Group gap="xs" component="span" display="inline-flex">
          <IssueStatusTag status={issue.status} />
          <LevelTag level={issue.level} />
          <span className="mono">{issue.type}</span>
        </Group>
      }
      actions={
        isAdmin && (
          <Group gap="xs">
            <IssueStatusButtons issue={issue} />
            <DeleteButton onClick={() => setDeleting(true)} />
          </Group>
        )
      }
    >
      {deleting && (
        <DeleteIssueDialog
          issue={issue}
          onClose={() => setDeleting(false)}
          onDeleted={() => void navigate({ to: '/errors', replace: true })}
        />
      )}
      <div className={styles['columns']}>
        <div className={styles['column']}>
          <Occurrences issue={issue} />
        </div>
        <div className={styles['column']}>
          <Section title={strings.issuePage.last14DaysTitle}>
            <DailyCountsChart days={issue.days} />
            <DescriptionList
              items={[
                [strings.issuePage.items.occurrences, issue.count.toLocaleString('en')],
                [strings.issuePage.items.lastSeen, <ExactTime key="last" time={issue.lastSeenAt} />],
                [strings.issuePage.items.firstSeen, <ExactTime key="first" time={issue.firstSeenAt} />],
                issue.resolvedInRelease !== null && [strings.issuePage.items.resolvedIn, issue.resolvedInRelease],
                [strings.issuePage.items.id, <CopyableId key="id" id={issue.id} />],
              ]}
            />
          </Section>
          <Facet title={strings.issuePage.releasesTitle} values={issue.releases} />
          <Facet title={strings.issuePage.environmentsTitle} values={issue.environments} />
          <Facet title={strings.issuePage.appsTitle} values={issue.apps} />
        </div>
      </div>
    </Page>
  );
}

/** The page of an issue: its status, its counts and its occurrences. */
export function IssuePage() {
  const { api, workspace } = useWorkspace();
  const { id = '' } = useParams({ strict: false });
  const query = useQuery({
    queryKey: [workspace.id, 'errors', id],
    queryFn: ({ signal }) => api.errors.issues.get(id, { signal }),
    refetchInterval: ({ state }) => (state.error === null ? 15_000 : false),
  });
  return (
    <ResourcePage
      noun="issue"
      title={strings.issuePage.title}
      backLink={<BackLink to="/errors">{strings.issuePage.backToErrors}</BackLink>}
      query={query}
    >
      {(issue) => <IssueDetails issue={issue} />}
    </ResourcePage>
  );
}
