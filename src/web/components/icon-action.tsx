import { ActionIcon, Tooltip } from '@mantine/core';
import type { IconComponent } from './icons.ts';

interface IconActionProps {
  readonly label: string;
  readonly Icon: IconComponent;
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly loading?: boolean;
}

/** A small button with an icon. Its label is shown on hover and focus. */
export function IconAction({ label, Icon, ...props }: IconActionProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={label} {...props}>
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}
