import { Button, Text } from '@mantine/core';
import { strings } from './strings.ts';

interface KnownUsesOfferProps {
  /** The addresses, or the names of the apps. */
  readonly names: readonly string[];
  readonly subject: 'addresses' | 'apps';
  readonly onAccept: () => void;
}

/** Offers to restrict a credential to the addresses from which, or the apps on which, it was used. */
export function KnownUsesOffer({ names, subject, onAccept }: KnownUsesOfferProps) {
  return (
    <Text fz="xs" c="dimmed" component="div" style={{ overflowWrap: 'anywhere' }}>
      {strings.offer[subject](names)}{' '}
      <Button size="compact-xs" variant="subtle" onClick={onAccept}>
        {subject === 'addresses'
          ? strings.offer.restrictToAddresses(names.length)
          : strings.offer.restrictToApps(names.length)}
      </Button>
    </Text>
  );
}
