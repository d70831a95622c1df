import { Button, NativeSelect, Stack, Table } from '@mantine/core';
import { useState } from 'react';
import type { CredentialUses } from '../../contract/credentials.ts';
import { IconRefresh } from '../components/icons.ts';
import { Notice } from '../components/notice.tsx';
import { ExactTime, TimeCell } from '../components/relative-time.tsx';
import { Section } from '../components/section.tsx';
import { DimmedText } from '../components/text.tsx';
import { type Credential, getKindConfig, getRights, type Right } from '../credentials/kinds.ts';
import { strings } from './strings.ts';
import { classifyRights, DEFAULT_PERIOD, PERIODS } from './used-rights.ts';

const texts = strings.usedRightsSection;

function RightUsesTable({ uses, label }: { readonly uses: CredentialUses['rights']; readonly label: string }) {
  return (
    <Table fz="sm" aria-label={label} horizontalSpacing={0}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{texts.right}</Table.Th>
          <Table.Th scope="col">{texts.app}</Table.Th>
          <Table.Th scope="col">{texts.lastUsed}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {uses.map(({ right, app, lastUsedAt }) => (
          <Table.Tr key={`${right} ${app?.id ?? ''}`}>
            <Table.Td>
              <span className="mono">{right}</span>
            </Table.Td>
            <Table.Td>{app === null ? '–' : (app.name ?? texts.deletedApp(app.id))}</Table.Td>
            <Table.Td>
              <TimeCell time={lastUsedAt} relative />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

interface UsedRightsSectionProps {
  readonly credential: Credential;
  readonly uses: CredentialUses;
  /**
   * Opens a replacement form with only these rights. Undefined if the person is not an admin or a replacement exists.
   */
  readonly onReplaceWithUsed: ((rights: readonly Right[]) => void) | undefined;
}

/** Shows which of its rights a credential used in a chosen period, and offers a replacement with only those rights. */
export function UsedRightsSection({ credential, uses, onReplaceWithUsed }: UsedRightsSectionProps) {
  const [days, setDays] = useState<number>(DEFAULT_PERIOD);
  const kind = getKindConfig(credential);
  const { lastUsedInPeriod, usedRights, unusedRights } = classifyRights(
    kind,
    getRights(credential),
    uses.rights,
    days,
    Date.now(),
  );
  const label = texts.title(kind.rightsLabel);
  return (
    <Section
      title={label}
      description={texts.countedSince(<ExactTime time={uses.rightsSince} />)}
      actions={
        <NativeSelect
          aria-label={texts.period}
          size="xs"
          value={String(days)}
          onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}
          data={PERIODS.map((period) => ({ value: String(period), label: texts.lastDays(period) }))}
        />
      }
    >
      {lastUsedInPeriod.length > 0 && <RightUsesTable uses={lastUsedInPeriod} label={label} />}
      {usedRights.length === 0 && <DimmedText>{texts.noneUsed(kind.rightsLabel.toLowerCase(), days)}</DimmedText>}
      {usedRights.length > 0 && unusedRights.length === 0 && (
        <DimmedText>{texts.allUsed(kind.rightsLabel.toLowerCase(), days)}</DimmedText>
      )}
      {usedRights.length > 0 && unusedRights.length > 0 && (
        <Stack gap="sm" align="flex-start">
          <Notice tone="warning">
            {texts.unusedRights(kind.noun, kind.rightsLabel.toLowerCase(), unusedRights, days)}
          </Notice>
          {onReplaceWithUsed !== undefined && (
            <Button
              variant="default"
              size="xs"
              leftSection={<IconRefresh size={14} />}
              onClick={() => onReplaceWithUsed(usedRights)}
            >
              {texts.replaceWithUsed(kind.rightsLabel.toLowerCase())}
            </Button>
          )}
        </Stack>
      )}
    </Section>
  );
}
