import { Button, Group, Text } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, queryClient, SECOND_FACTOR_NEEDED_KEY } from '../api.ts';
import { Tag } from '../components/notice.tsx';
import { Section } from '../components/section.tsx';
import { BlockSkeleton, ErrorState } from '../components/states.tsx';
import { meQuery } from '../session.ts';
import { refetchSessions } from './sessions.tsx';
import { strings } from './strings.ts';
import { TwoFactorDialog, type TwoFactorPurpose } from './two-factor-dialog.tsx';

const twoFactorQuery = queryOptions({
  queryKey: ['two-factor'],
  queryFn: ({ signal }) => api.me.twoFactor.get({ signal }),
});

function refetchTwoFactor(): void {
  void queryClient.invalidateQueries({ queryKey: twoFactorQuery.queryKey });
  void queryClient.invalidateQueries({ queryKey: meQuery.queryKey });
  queryClient.removeQueries({ queryKey: SECOND_FACTOR_NEEDED_KEY });
  void refetchSessions();
}

/** The web UI suggests generating new recovery codes when fewer than this many are left. */
const LOW_RECOVERY_CODE_COUNT = 3;

interface TwoFactorSectionProps {
  /** Called when two-factor authentication has been turned on and the recovery codes are stored. */
  readonly onTurnedOn?: () => void;
}

/** Two-factor authentication: set up with a QR code, renew recovery codes, turn off. */
export function TwoFactorSection({ onTurnedOn }: TwoFactorSectionProps) {
  const { data, error, refetch } = useQuery(twoFactorQuery);
  const [purpose, setPurpose] = useState<TwoFactorPurpose | null>(null);

  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <BlockSkeleton height={96} />;
  const { enabled, recoveryCodesLeft } = data;
  const isLow = recoveryCodesLeft < LOW_RECOVERY_CODE_COUNT;
  return (
    <Section
      title={strings.twoFactor.title}
      description={strings.twoFactor.description}
      actions={
        enabled ? (
          <Tag tone="success">{strings.twoFactor.on}</Tag>
        ) : (
          <Button onClick={() => setPurpose('enable')}>{strings.twoFactor.turnOn}</Button>
        )
      }
    >
      {enabled && (
        <Group justify="space-between" gap="sm">
          <Text fz="sm" c={isLow ? 'var(--app-warning)' : 'dimmed'}>
            {strings.twoFactor.codesLeft(recoveryCodesLeft, isLow)}
          </Text>
          <Group gap="xs">
            <Button variant="default" size="xs" onClick={() => setPurpose('renew')}>
              {strings.twoFactor.generateRecoveryCodes}
            </Button>
            <Button variant="default" size="xs" onClick={() => setPurpose('disable')}>
              {strings.twoFactor.turnOff}
            </Button>
          </Group>
        </Group>
      )}
      {purpose !== null && (
        <TwoFactorDialog
          purpose={purpose}
          onChanged={refetchTwoFactor}
          onClose={() => setPurpose(null)}
          onCodesStored={() => {
            if (purpose === 'enable') onTurnedOn?.();
          }}
        />
      )}
    </Section>
  );
}
