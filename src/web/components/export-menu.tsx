import { Button, Menu } from '@mantine/core';
import type { ReactNode } from 'react';
import { IconChevronDown, IconDownload } from './icons.ts';
import { strings } from './strings.ts';

interface ExportMenuProps {
  readonly busy: boolean;
  /** Describes the exported data. */
  readonly label: string;
  /** The formats, as `Menu.Item`. */
  readonly children: ReactNode;
}

/** A button that opens a menu of files to download. */
export function ExportMenu({ busy, label, children }: ExportMenuProps) {
  return (
    <Menu>
      <Menu.Target>
        <Button
          variant="default"
          loading={busy}
          leftSection={<IconDownload size={16} />}
          rightSection={<IconChevronDown size={14} />}
        >
          {strings.exportMenu.export}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{label}</Menu.Label>
        {children}
      </Menu.Dropdown>
    </Menu>
  );
}
