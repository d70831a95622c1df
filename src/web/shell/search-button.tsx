import { ActionIcon, Text, UnstyledButton } from '@mantine/core';
import { useEffect, useEffectEvent, useState } from 'react';
import type { Workspace } from '../../contract/workspaces.ts';
import { IconSearch } from '../components/icons.ts';
import { IS_APPLE } from '../components/keyboard.ts';
import { lazyComponent } from '../components/lazy-component.tsx';
import { CurrentWorkspace } from '../session.ts';
import styles from './shell.module.css';
import { strings } from './strings.ts';

const CommandPalette = lazyComponent(() =>
  import('../palette/command-palette.tsx').then((file) => file.CommandPalette),
);

/** Returns the command palette of a workspace and a function that opens it. Ctrl+K and Command+K also open it. */
export function useCommandPalette(workspace: Workspace | null) {
  const [isOpen, setIsOpen] = useState(false);
  // Does not open while a dialog is open, because opening another page would discard the dialog's input.
  const open = () => setIsOpen(workspace !== null && document.querySelector('[role=dialog]') === null);
  const openByKey = useEffectEvent(open);
  useEffect(() => {
    function handleKeyDown(event: KeyboardEvent): void {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      // The browser's own action would move the focus to its address bar.
      event.preventDefault();
      openByKey();
    }
    window.addEventListener('keydown', handleKeyDown);
    return () => window.removeEventListener('keydown', handleKeyDown);
  }, []);
  const palette = isOpen && workspace !== null && (
    <CurrentWorkspace value={workspace}>
      <CommandPalette key={workspace.id} onClose={() => setIsOpen(false)} />
    </CurrentWorkspace>
  );
  return { open, palette };
}

interface SearchButtonProps {
  readonly onClick: () => void;
}

/** The button in the navigation that opens the command palette. */
export function SearchButton({ onClick }: SearchButtonProps) {
  return (
    <UnstyledButton
      className={styles['menuButton']}
      aria-keyshortcuts={IS_APPLE ? 'Meta+K' : 'Control+K'}
      visibleFrom="sm"
      onClick={onClick}
    >
      <IconSearch size={16} aria-hidden />
      <Text fz="sm" flex={1}>
        {strings.searchButton.label}
      </Text>
      <kbd className={styles['keys']} aria-hidden>
        {IS_APPLE ? strings.searchButton.appleKeys : strings.searchButton.keys}
      </kbd>
    </UnstyledButton>
  );
}

/** The search button for narrow screens. */
export function SearchIconButton({ onClick }: SearchButtonProps) {
  return (
    <ActionIcon variant="subtle" color="gray" size="lg" aria-label={strings.searchButton.label} onClick={onClick}>
      <IconSearch size={20} aria-hidden />
    </ActionIcon>
  );
}
