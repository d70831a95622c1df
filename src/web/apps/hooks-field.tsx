import { ActionIcon, Button, Group, Text, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { RESOURCE_LIMITS } from '../../contract/words.ts';
import { IconArrowDown, IconArrowUp, IconEdit, IconPlus, IconTrash } from '../components/icons.ts';
import { Tag } from '../components/notice.tsx';
import { Row, Rows } from '../components/rows.tsx';
import styles from './apps.module.css';
import { type Hook, STAGES } from './apps.ts';
import { HookDialog } from './hook-dialog.tsx';

interface HooksFieldProps {
  readonly hooks: readonly Hook[];
  readonly onChange: (hooks: readonly Hook[]) => void;
}

/** The hooks of an app: added, edited, ordered and taken out, all saved with the app. */
export function HooksField({ hooks, onChange }: HooksFieldProps) {
  const [open, setOpen] = useState<{ readonly at: number | null } | null>(null);
  const edited = open?.at == null ? null : (hooks[open.at] ?? null);

  function swap(at: number, other: number) {
    const next = [...hooks];
    const [one, two] = [next[at], next[other]];
    if (one === undefined || two === undefined) return;
    next[at] = two;
    next[other] = one;
    onChange(next);
  }

  const tool = (label: string, Icon: typeof IconEdit, onClick: () => void, disabled = false) => (
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
          None yet. Most apps install and build after the source is there, and restart after the release.
        </Text>
      ) : (
        <Rows label="Hooks">
          {hooks.map((hook, at) => (
            <Row
              key={hook.name}
              title={
                <>
                  {hook.name} <Tag>{STAGES[hook.stage].label}</Tag>
                  {!hook.active && <Tag tone="warn">Inactive</Tag>}
                </>
              }
              note={<pre className={styles['command']}>{hook.run}</pre>}
              tools={
                <Group gap={2} wrap="nowrap">
                  {tool(`Move ${hook.name} up`, IconArrowUp, () => swap(at, at - 1), at === 0)}
                  {tool(`Move ${hook.name} down`, IconArrowDown, () => swap(at, at + 1), at === hooks.length - 1)}
                  {tool(`Edit ${hook.name}`, IconEdit, () => setOpen({ at }))}
                  {tool(`Remove ${hook.name}`, IconTrash, () => onChange(hooks.toSpliced(at, 1)))}
                </Group>
              }
            />
          ))}
        </Rows>
      )}
      <Group>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={16} />}
          disabled={hooks.length >= RESOURCE_LIMITS.hooks}
          onClick={() => setOpen({ at: null })}
        >
          Add a hook
        </Button>
      </Group>
      {open !== null && (
        <HookDialog
          hook={edited}
          taken={hooks.filter((one) => one !== edited).map(({ name }) => name)}
          onClose={() => setOpen(null)}
          onDone={(hook) => onChange(open.at === null ? [...hooks, hook] : hooks.with(open.at, hook))}
        />
      )}
    </>
  );
}
