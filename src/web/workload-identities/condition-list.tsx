import { Stack } from '@mantine/core';
import type { ClaimConditions } from '../../contract/claim-patterns.ts';

/** The conditions that a token must meet, one per line. */
export function ConditionList({ conditions }: { readonly conditions: ClaimConditions }) {
  return (
    <Stack gap={2}>
      {Object.entries(conditions).map(([claim, value]) => (
        <span key={claim} className="mono" style={{ overflowWrap: 'anywhere' }}>
          {claim} = {value}
        </span>
      ))}
    </Stack>
  );
}
