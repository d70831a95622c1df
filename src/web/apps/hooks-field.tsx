import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { IconAction } from '../components/icon-action.tsx';
import { IconArrowDown, IconArrowUp, IconEdit, IconPlus, IconTrash } from '../components/icons.ts';
import type { Hook } from './app-form.ts';
import { strings } from './form-strings.ts';
import { HookDialog } from './hook-dialog.tsx';
import { HookList } from './hook-list.tsx';

interface HooksFieldProps {
  readonly hooks: readonly Hook[];
  readonly onChange: (hooks: readonly Hook[]) => void;
}

interface OpenDialog {
  /** The index of the edited hook; null for a new hook. */
  readonly index: number | null;
}

/** The hooks of an app: add, edit, reorder, remove. They are saved along with the app. */
export function HooksField({ hooks, onChange }: HooksFieldProps) {
  const [openDialog, setOpenDialog] = useState<OpenDialog | null>(null);
  const editedHook = openDialog?.index == null ? null : (hooks[openDialog.index] ?? null);

  function swap(index: number, otherIndex: number) {
    const reordered = [...hooks];
    const [current, swapped] = [reordered[index], reordered[otherIndex]];
    if (current === undefined || swapped === undefined) return;
    reordered[index] = swapped;
    reordered[otherIndex] = current;
    onChange(reordered);
  }

  return (
    <>
      <HookList
        hooks={hooks}
        emptyText={strings.hooksField.emptyText}
        renderActions={({ name }, index) => (
          <Group gap={2} wrap="nowrap">
            <IconAction
              label={strings.hooksField.moveUp(name)}
              Icon={IconArrowUp}
              disabled={index === 0}
              onClick={() => swap(index, index - 1)}
            />
            <IconAction
              label={strings.hooksField.moveDown(name)}
              Icon={IconArrowDown}
              disabled={index === hooks.length - 1}
              onClick={() => swap(index, index + 1)}
            />
            <IconAction
              label={strings.hooksField.edit(name)}
              Icon={IconEdit}
              onClick={() => setOpenDialog({ index })}
            />
            <IconAction
              label={strings.hooksField.remove(name)}
              Icon={IconTrash}
              onClick={() => onChange(hooks.toSpliced(index, 1))}
            />
          </Group>
        )}
      />
      <Group>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={16} />}
          disabled={hooks.length >= RESOURCE_LIMITS.hooks}
          onClick={() => setOpenDialog({ index: null })}
        >
          {strings.hooksField.addHook}
        </Button>
      </Group>
      {openDialog !== null && (
        <HookDialog
          hook={editedHook}
          otherNames={hooks.filter((hook) => hook !== editedHook).map(({ name }) => name)}
          onClose={() => setOpenDialog(null)}
          onDone={(hook) => onChange(openDialog.index === null ? [...hooks, hook] : hooks.with(openDialog.index, hook))}
        />
      )}
    </>
  );
}
