import { Fragment, type ReactNode } from 'react';
import { CopyableId } from './copyable-id.tsx';
import styles from './description-list.module.css';
import { ExactTime } from './relative-time.tsx';
import { strings } from './strings.ts';
import { mono } from './text.tsx';

/** A name and its value. Items that are false are omitted. */
type DescriptionItem = readonly [string, ReactNode] | false;

/** The items of every resource with a slug: slug, times and ID. They come last in the resource's details. */
export const resourceItems = (resource: {
  readonly slug: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly id: string;
}): DescriptionItem[] => [
  [strings.descriptionList.slug, mono(resource.slug)],
  [strings.descriptionList.created, <ExactTime key="created" time={resource.createdAt} />],
  [strings.descriptionList.updated, <ExactTime key="updated" time={resource.updatedAt} />],
  [strings.descriptionList.id, <CopyableId key="id" id={resource.id} />],
];

/** Names and values in two columns. */
export function DescriptionList({ items }: { readonly items: readonly DescriptionItem[] }) {
  return (
    <dl className={styles['list']}>
      {items
        .filter((item) => item !== false)
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  );
}
