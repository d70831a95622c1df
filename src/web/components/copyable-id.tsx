import { Group } from '@mantine/core';
import { CopyButton } from './copy-button.tsx';

/** An id to read and to copy. */
export function CopyableId({ id }: { readonly id: string }) {
  return (
    <Group gap="xs">
      <span className="mono">{id}</span>
      <CopyButton text={id} size="compact-xs" />
    </Group>
  );
}
