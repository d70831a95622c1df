import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { AuditEvent } from '../../contract/audit-events.ts';
import type { CredentialUses } from '../../contract/credentials.ts';
import type { Client } from '../../sdk/client.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { IconAlertTriangle } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { ExactTime } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import { strings } from './strings.ts';

const texts = strings.leakSection;
/** Maximum number of reports, and of refusals of each kind, that are read. */
const MAX_EVENTS = 200;

interface LeakHistory {
  /** Newest first. */
  readonly reports: readonly AuditEvent[];
  /** Requests with the secret that were refused since the first report, including after the credential's deletion. */
  readonly refusals: readonly AuditEvent[];
  /** Whether there are more refusals than were read. */
  readonly isPartial: boolean;
}

/**
 * Returns the reports that a credential's secret was found in public, and the requests refused since the first report.
 * Null if there are no reports.
 */
async function readLeakHistory(api: Client, id: string, signal: AbortSignal): Promise<LeakHistory | null> {
  const read = (query: Parameters<Client['auditEvents']['list']>[0]) =>
    api.auditEvents.list({ credential: id, limit: MAX_EVENTS, ...query }, { signal });
  const { data: reports } = await read({ action: 'credential.leaked' });
  const firstReport = reports.at(-1);
  if (firstReport === undefined) return null;
  const refusalPages = await Promise.all([
    read({ action: 'credential.denied', from: firstReport.at }),
    read({ action: 'credential.passphrase_failed', from: firstReport.at }),
    read({ action: 'credential.used_after_deletion', from: firstReport.at }),
  ]);
  const refusals = refusalPages.flatMap(({ data }) => data);
  return { reports, refusals, isPartial: refusalPages.some(({ nextCursor }) => nextCursor !== null) };
}

const listAddresses = (addresses: readonly (string | null)[]): string => {
  const distinct = new Set(addresses.filter((address) => address !== null));
  return distinct.size === 0 ? texts.none : [...distinct].join(', ');
};

/**
 * Returns the addresses used since a time, and the number of uses since the start of that day: uses are counted per
 * day.
 */
function usesSince(uses: CredentialUses, since: string): { readonly count: number; readonly addresses: string[] } {
  const firstDay = since.slice(0, 10);
  return {
    count: uses.days.filter(({ day }) => day >= firstDay).reduce((sum, { count }) => sum + count, 0),
    addresses: uses.addresses.filter(({ lastSeenAt }) => lastSeenAt >= since).map(({ address }) => address),
  };
}

function LeakReport({ report: { at, address, detail } }: { readonly report: AuditEvent }) {
  const { url, source, deleted } = detail;
  return (
    <ItemListRow
      icon={<IconAlertTriangle size={18} />}
      title={<span style={{ overflowWrap: 'anywhere' }}>{typeof url === 'string' ? url : texts.unknownLocation}</span>}
      note={
        <>
          {typeof source === 'string' && `${source} · `}
          {texts.reported(<ExactTime time={at} />, address)} · {deleted === true ? texts.deleted : texts.onlyReported}
        </>
      }
    />
  );
}

interface LeakSectionProps {
  readonly id: string;
  /** Null for a deleted credential; undefined while the uses are loading. */
  readonly uses: CredentialUses | null | undefined;
}

/**
 * Where the secret of a credential was found in public, and its accepted and refused uses since the first report. For
 * owners and admins.
 */
export function LeakSection({ id, uses }: LeakSectionProps) {
  const { workspace, api } = useWorkspace();
  const { data } = useQuery({
    queryKey: [workspace.id, 'audit-events', 'leak', id],
    queryFn: ({ signal }) => readLeakHistory(api, id, signal),
  });
  const firstReport = data?.reports.at(-1);
  if (data === undefined || data === null || firstReport === undefined) return null;
  const usesSinceReport = uses === null || uses === undefined ? null : usesSince(uses, firstReport.at);
  const refusedCount = data.refusals.reduce((sum, { detail }) => sum + Number(detail['count'] ?? 1), 0);
  return (
    <Section title={texts.title} description={texts.description}>
      <Stack gap="md">
        <ItemList label={texts.reports}>
          {data.reports.map((report) => (
            <LeakReport key={report.id} report={report} />
          ))}
        </ItemList>
        <DescriptionList
          items={[
            usesSinceReport !== null && [texts.usesSince, texts.usesIncludingReportDay(usesSinceReport.count)],
            usesSinceReport !== null && [texts.usedFrom, mono(listAddresses(usesSinceReport.addresses))],
            [texts.refusedSince, texts.refusals(refusedCount, data.isPartial)],
            [texts.refusedFrom, mono(listAddresses(data.refusals.map(({ address }) => address)))],
          ]}
        />
      </Stack>
    </Section>
  );
}
