import { Skeleton, Table, Text } from '@mantine/core';
import type { CredentialUses } from '../../contract/credentials.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { TimeCell } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { DimmedText } from '../components/text.tsx';
import type { Credential, Right } from '../credentials/kinds.ts';
import { useCredentialUses } from '../credentials/use-credential-uses.ts';
import { toKnownUses } from '../restrictions/known-uses.ts';
import { KnownUsesOffer } from '../restrictions/known-uses-offer.tsx';
import styles from './credential.module.css';
import { type DailyUses, describeUses, fillLastThirtyDays } from './daily-uses.ts';
import { strings } from './strings.ts';
import { UsedRightsSection } from './used-rights-section.tsx';

const UsesChart = lazyComponent(
  () => import('./uses-chart.tsx').then((file) => file.UsesChart),
  <Skeleton h={200} radius="md" />,
);

function DailyUsesTable({ days }: { readonly days: readonly DailyUses[] }) {
  const usedDays = days.filter(({ uses }) => uses > 0);
  if (usedDays.length === 0) return null;
  return (
    <details className={styles['table']}>
      <summary>{strings.usesSection.showAsTable}</summary>
      <Table fz="sm" maw={320} aria-label={strings.usesSection.usesPerDay}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{strings.usesSection.dayUtc}</Table.Th>
            <Table.Th scope="col" ta="right">
              {strings.usesSection.uses}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {usedDays.toReversed().map(({ day, label, uses }) => (
            <Table.Tr key={day}>
              <Table.Td>{label}</Table.Td>
              <Table.Td ta="right">{uses}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </details>
  );
}

const guardName = (guards: CredentialUses['guards'], id: string) =>
  guards.find((guard) => guard.id === id)?.name ?? strings.usesSection.guardWithKey(id);

/** The number of uses that each guard reported. Reported numbers are not verified. */
function GuardUsageTable({ guards }: Pick<CredentialUses, 'guards'>) {
  return (
    <Table fz="sm" aria-label={strings.usesSection.usesReportedByGuards} horizontalSpacing={0}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{strings.usesSection.guardsApiKey}</Table.Th>
          <Table.Th scope="col" ta="right">
            {strings.usesSection.uses}
          </Table.Th>
          <Table.Th scope="col">{strings.usesSection.lastUsed}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {guards.map(({ id, name, count, lastUsedAt }) => (
          <Table.Tr key={id}>
            <Table.Td>{name ?? strings.usesSection.deletedKey(id)}</Table.Td>
            <Table.Td ta="right">{count.toLocaleString('en')}</Table.Td>
            <Table.Td>
              <TimeCell time={lastUsedAt} relative />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function AddressTable({ addresses, guards }: Pick<CredentialUses, 'addresses' | 'guards'>) {
  if (addresses.length === 0) {
    return <DimmedText>{strings.usesSection.notUsedYet}</DimmedText>;
  }
  return (
    <Table fz="sm" aria-label={strings.usesSection.sourceAddresses} horizontalSpacing={0}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{strings.usesSection.address}</Table.Th>
          <Table.Th scope="col">{strings.usesSection.firstSeen}</Table.Th>
          <Table.Th scope="col">{strings.usesSection.lastSeen}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {addresses.map(({ address, firstSeenAt, lastSeenAt, reportedBy }) => (
          <Table.Tr key={address}>
            <Table.Td>
              <span className={`mono ${styles['address']}`}>{address}</span>
              {reportedBy !== null && (
                <Text fz="xs" c="dimmed">
                  {strings.usesSection.reportedBy(guardName(guards, reportedBy))}
                </Text>
              )}
            </Table.Td>
            <Table.Td>
              <TimeCell time={firstSeenAt} relative />
            </Table.Td>
            <Table.Td>
              <TimeCell time={lastSeenAt} relative />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

interface UsesSectionsProps {
  readonly credential: Credential;
  /**
   * Opens a replacement form with only these rights. Undefined if the person is not an admin or a replacement exists.
   */
  readonly onReplaceWithUsed: ((rights: readonly Right[]) => void) | undefined;
  /** Opens a form that restricts the credential to these addresses. Undefined if that is not possible. */
  readonly onRestrict: ((addresses: readonly string[]) => void) | undefined;
}

/** When and from where a credential was used, and with which of its rights. */
export function UsesSections({ credential, onReplaceWithUsed, onRestrict }: UsesSectionsProps) {
  const { data, error, refetch } = useCredentialUses(credential);
  if (data === undefined) {
    return error === null ? <BlockSkeleton height={300} /> : <ErrorState error={error} retry={() => void refetch()} />;
  }
  const { addresses: knownAddresses } = toKnownUses(data);
  const days = fillLastThirtyDays(data.days, Date.now());
  return (
    <>
      <Section title={strings.usesSection.usesPerDayTitle} description={describeUses(days)}>
        {days.some(({ uses }) => uses > 0) && (
          <div aria-hidden>
            <UsesChart days={days} />
          </div>
        )}
        <DailyUsesTable days={days} />
      </Section>
      <UsedRightsSection credential={credential} uses={data} onReplaceWithUsed={onReplaceWithUsed} />
      <Section
        title={strings.usesSection.sourceAddressesTitle}
        description={strings.usesSection.sourceAddressesDescription}
      >
        <AddressTable addresses={data.addresses} guards={data.guards} />
        {onRestrict !== undefined && credential.restrictions.addresses.length === 0 && knownAddresses.length > 0 && (
          <KnownUsesOffer subject="addresses" names={knownAddresses} onAccept={() => onRestrict(knownAddresses)} />
        )}
      </Section>
      {data.guards.length > 0 && (
        <Section
          title={strings.usesSection.reportedByGuardsTitle}
          description={strings.usesSection.reportedByGuardsDescription}
        >
          <GuardUsageTable guards={data.guards} />
        </Section>
      )}
    </>
  );
}
