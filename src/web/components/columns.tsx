import { Text } from '@mantine/core';
import type { LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Column } from './data-table.tsx';
import { NameLink } from './link.tsx';
import { TimeCell } from './relative-time.tsx';
import { strings } from './strings.ts';

/**
 * A column with a resource's name, linked to its page, above a description. `param` is the route parameter for its ID.
 */
export function nameColumn<Row extends { readonly id: string; readonly name: string }>(
  to: NonNullable<LinkProps['to']>,
  param: string,
  describe: (row: Row) => ReactNode,
): Column<Row> {
  return {
    key: 'name',
    label: strings.columns.name,
    sort: 'name',
    cell: (row) => (
      <>
        <NameLink to={to} params={{ [param]: row.id }}>
          {row.name}
        </NameLink>
        <Text fz="xs" c="dimmed" component="div" lineClamp={2} maw={420}>
          {describe(row)}
        </Text>
      </>
    ),
  };
}

export const CREATED_COLUMN: Column<{ readonly createdAt: string }> = {
  key: 'created',
  label: strings.columns.created,
  sort: 'createdAt',
  cell: ({ createdAt }) => <TimeCell time={createdAt} relative />,
};

export const UPDATED_COLUMN: Column<{ readonly updatedAt: string }> = {
  key: 'updated',
  label: strings.columns.updated,
  cell: ({ updatedAt }) => <TimeCell time={updatedAt} relative />,
};
