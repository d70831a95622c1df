import { Group } from '@mantine/core';
import type { CredentialRule } from '../../contract/vocabulary.ts';
import { Tag } from '../components/notice.tsx';
import { strings } from './strings.ts';

/** The rules of the policy that a credential or a member violates. */
export function RuleTags({ rules }: { readonly rules: readonly (CredentialRule | 'requireTwoFactor')[] }) {
  return (
    <Group gap={6}>
      {rules.map((rule) => (
        <Tag key={rule} tone="warning">
          {strings.ruleTags[rule]}
        </Tag>
      ))}
    </Group>
  );
}
