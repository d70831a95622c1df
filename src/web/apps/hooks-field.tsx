import { ActionIcon, Button, Group, Text, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import { IconArrowDown, IconArrowUp, IconEdit, IconPlus, IconTrash } from '../components/icons.ts';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Tag } from '../components/notice.tsx';
import { HOOK_STAGE_LABELS, type Hook } from './app-form.ts';
import styles from './apps.module.css';
import { HookDialog } from './hook-dialog.tsx';

interface HooksFieldProps {
  readonly hooks: readonly Hook[];
  readonly onChange: (hooks: readonly Hook[]) => void;
}

/** The hooks of an app: add, edit, reorder, remove. They are saved along with the app. */
export function HooksField({ hooks, onChange }: HooksFieldProps) {
  const [open, setOpen] = useState<{ readonly at: number | null } | null>(null);
  const editedHook = open?.at == null ? null : (hooks[open.at] ?? null);

  function swap(index: number, otherIndex: number) {
    const next = [...hooks];
    const [current, swapped] = [next[index], next[otherIndex]];
    if (current === undefined || swapped === undefined) return;
    next[index] = swapped;
    next[otherIndex] = current;
    onChange(next);
  }

  const actionButton = (label: string, Icon: typeof IconEdit, onClick: () => void, disabled = false) => (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" c="inherit" aria-label={label} disabled={disabled} onClick={onClick}>
        <Icon size={16} />
      </ActionIcon>
    </Tooltip>
  );

  return (
    <>
      {hooks.length === 0 ? (
        <Text fz="sm" c="dimmed">
          No hooks yet. Most apps install and build after setup, and restart after release.
        </Text>
      ) : (
        <ItemList label="Hooks">
          {hooks.map((hook, index) => (
            <ItemListRow
              key={hook.name}
              title={
                <>
                  {hook.name} <Tag>{HOOK_STAGE_LABELS[hook.stage].label}</Tag>
                  {!hook.active && <Tag tone="warn">Inactive</Tag>}
                </>
              }
              note={<pre className={styles['command']}>{hook.run}</pre>}
              actions={
                <Group gap={2} wrap="nowrap">
                  {actionButton(`Move ${hook.name} up`, IconArrowUp, () => swap(index, index - 1), index === 0)}
                  {actionButton(
                    `Move ${hook.name} down`,
                    IconArrowDown,
                    () => swap(index, index + 1),
                    index === hooks.length - 1,
                  )}
                  {actionButton(`Edit ${hook.name}`, IconEdit, () => setOpen({ at: index }))}
                  {actionButton(`Remove ${hook.name}`, IconTrash, () => onChange(hooks.toSpliced(index, 1)))}
                </Group>
              }
            />
          ))}
        </ItemList>
      )}
      <Group>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={16} />}
          disabled={hooks.length >= RESOURCE_LIMITS.hooks}
          onClick={() => setOpen({ at: null })}
        >
          Add hook
        </Button>
      </Group>
      {open !== null && (
        <HookDialog
          hook={editedHook}
          existingNames={hooks.filter((one) => one !== editedHook).map(({ name }) => name)}
          onClose={() => setOpen(null)}
          onDone={(hook) => onChange(open.at === null ? [...hooks, hook] : hooks.with(open.at, hook))}
        />
      )}
    </>
  );
}
