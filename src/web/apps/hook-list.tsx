import type { ReactNode } from 'react';
import { ItemList, ItemListRow } from '../components/item-list.tsx';
import { Tag } from '../components/notice.tsx';
import { DimmedText } from '../components/text.tsx';
import { HOOK_STAGE_TEXTS, type Hook } from './app-form.ts';
import styles from './apps.module.css';
import { strings } from './strings.ts';

interface HookListProps {
  readonly hooks: readonly Hook[];
  readonly emptyText: string;
  readonly renderActions?: (hook: Hook, index: number) => ReactNode;
}

/** The hooks of an app with their stages and commands. */
export function HookList({ hooks, emptyText, renderActions }: HookListProps) {
  if (hooks.length === 0) {
    return <DimmedText>{emptyText}</DimmedText>;
  }
  return (
    <ItemList label={strings.hookList.hooks}>
      {hooks.map((hook, index) => (
        <ItemListRow
          key={hook.name}
          title={
            <>
              <bdi>{hook.name}</bdi> <Tag>{HOOK_STAGE_TEXTS[hook.stage].label}</Tag>
              {!hook.active && <Tag tone="warning">{strings.hookList.inactive}</Tag>}
            </>
          }
          note={<pre className={styles['command']}>{hook.run}</pre>}
          actions={renderActions?.(hook, index)}
        />
      ))}
    </ItemList>
  );
}
