import type { ReactNode } from 'react';
import styles from './item-list.module.css';

/** A short list of `ItemListRow`s. */
export function ItemList({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <ul className={styles['rows']} aria-label={label}>
      {children}
    </ul>
  );
}

interface ItemListRowProps {
  readonly icon?: ReactNode;
  readonly title: ReactNode;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
}

/** An item with a title and, optionally, an icon, a line of details and actions. */
export function ItemListRow({ icon, title, note, actions }: ItemListRowProps) {
  return (
    <li className={styles['row']}>
      {icon !== undefined && (
        <span className={styles['icon']} aria-hidden>
          {icon}
        </span>
      )}
      <div className={styles['text']}>
        <div className={styles['title']}>{title}</div>
        {note !== undefined && <div className={styles['note']}>{note}</div>}
      </div>
      {actions}
    </li>
  );
}
