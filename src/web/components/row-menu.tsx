import { ActionIcon, Menu } from '@mantine/core';
import type { ReactNode } from 'react';
import { IconDots, IconEdit, IconTrash } from './icons.ts';

interface RowMenuProps {
  /** The name of the row's item, for screen readers. */
  readonly name: string;
  readonly children?: ReactNode;
  readonly onEdit?: (() => void) | undefined;
  readonly onDelete?: (() => void) | undefined;
}

/** The actions menu of a table row. */
export function RowMenu({ name, children, onEdit, onDelete }: RowMenuProps) {
  return (
    <Menu width={210}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={`Actions for ${name}`}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {children}
        {onEdit !== undefined && (
          <Menu.Item leftSection={<IconEdit size={16} />} onClick={onEdit}>
            Edit…
          </Menu.Item>
        )}
        {onDelete !== undefined && (
          <>
            <Menu.Divider />
            <Menu.Item leftSection={<IconTrash size={16} />} c="var(--mantine-color-error)" onClick={onDelete}>
              Delete…
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
