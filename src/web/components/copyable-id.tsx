import { Group } from '@mantine/core';
import { CopyButton } from './copy-button.tsx';

/** An ID with a copy button. */
export function CopyableId({ id }: { readonly id: string }) {
  return (
    <Group gap="xs">
      <span className="mono">{id}</span>
      <CopyButton text={id} size="compact-xs" />
    </Group>
  );
}
