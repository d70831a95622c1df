import type { ReactNode } from 'react';
import styles from './description-list.module.css';

/** Names and values in two columns. */
export function DescriptionList({ items }: { readonly items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={styles['facts']}>
      {items.map(([name, value]) => (
        <DescriptionItem key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

function DescriptionItem({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
