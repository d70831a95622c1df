import { ActionIcon, Menu } from '@mantine/core';
import { Fragment } from 'react';
import { type IconComponent, IconDots, IconEdit, IconTrash } from './icons.ts';
import { strings } from './strings.ts';

export interface RowAction {
  readonly label: string;
  readonly Icon: IconComponent;
  readonly onSelect: () => void;
  readonly disabled?: boolean;
  /** Whether the action is shown in red, below a divider. */
  readonly destructive?: boolean;
}

export const editAction = (onSelect: () => void): RowAction => ({
  label: strings.rowMenu.edit,
  Icon: IconEdit,
  onSelect,
});

export const deleteAction = (onSelect: () => void): RowAction => ({
  label: strings.rowMenu.delete,
  Icon: IconTrash,
  onSelect,
  destructive: true,
});

interface RowMenuProps {
  /** The name of the row's item, for screen readers. */
  readonly name: string;
  /** Actions that are false are omitted. */
  readonly actions: readonly (RowAction | false)[];
  readonly loading?: boolean;
}

/** The actions menu of a row. */
export function RowMenu({ name, actions, loading = false }: RowMenuProps) {
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          c="inherit"
          aria-label={strings.rowMenu.actionsFor(name)}
          loading={loading}
        >
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown miw={210}>
        {actions
          .filter((action) => action !== false)
          .map(({ label, Icon, onSelect, disabled = false, destructive = false }, index) => (
            <Fragment key={label}>
              {destructive && index > 0 && <Menu.Divider />}
              <Menu.Item
                leftSection={<Icon size={16} />}
                disabled={disabled}
                {...(destructive && { c: 'var(--mantine-color-error)' })}
                onClick={onSelect}
              >
                {label}
              </Menu.Item>
            </Fragment>
          ))}
      </Menu.Dropdown>
    </Menu>
  );
}
