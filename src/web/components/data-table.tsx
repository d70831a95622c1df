import { Checkbox, Group } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import styles from './data-table.module.css';
import { IconChevronDown, IconChevronUp, type IconComponent, IconSelector } from './icons.ts';
import type { ListState } from './list-state.ts';
import { PageButtons } from './page-buttons.tsx';
import { strings } from './strings.ts';
import { DimmedText } from './text.tsx';

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  readonly cell: (row: Row) => ReactNode;
  /** The value of the API's `sort` parameter, if the list can be sorted by this column. */
  readonly sort?: string;
  readonly align?: 'right';
  readonly width?: number | string;
  /** Whether the cell spans the full width when rows are shown as cards. */
  readonly wide?: true;
}

/** The selected rows by ID. The selection includes rows on other pages. */
export interface Selection<Row> {
  readonly rows: ReadonlyMap<string, Row>;
  readonly set: (rows: ReadonlyMap<string, Row>) => void;
}

interface DataTableProps<Row> {
  /** What the table lists, for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowId: (row: Row) => string;
  readonly rowName: (row: Row) => string;
  /** The cursor of the next page; null on the last page. */
  readonly nextCursor: string | null;
  readonly state: ListState;
  /** Whether the rows are outdated because newer rows are loading. */
  readonly isStale?: boolean;
  readonly selection?: Selection<Row> | undefined;
  readonly renderRowActions?: ((row: Row) => ReactNode) | undefined;
  /** Whether a row belongs to the row above it. */
  readonly isAttached?: ((row: Row) => boolean) | undefined;
}

/** The sort order of a list whose URL has no `sort` parameter. */
const DEFAULT_SORT = '-createdAt';

type SortDirection = 'ascending' | 'descending';

/** Returns the direction in which the list is sorted by this column; null if it is sorted by another column. */
function getSortDirection(sort: string | undefined, state: ListState): SortDirection | null {
  const currentSort = state.get('sort') ?? DEFAULT_SORT;
  if (sort === undefined) return null;
  if (currentSort === sort) return 'ascending';
  return currentSort === `-${sort}` ? 'descending' : null;
}

function getSortIcon(direction: SortDirection | null): IconComponent {
  if (direction === null) return IconSelector;
  return direction === 'ascending' ? IconChevronUp : IconChevronDown;
}

function ColumnHeader<Row>({ column, state }: { readonly column: Column<Row>; readonly state: ListState }) {
  const { sort } = column;
  const direction = getSortDirection(sort, state);
  const Icon = getSortIcon(direction);
  return (
    <th
      scope="col"
      className={column.align === 'right' ? styles['number'] : undefined}
      {...(column.width !== undefined && { style: { width: column.width } })}
      {...(direction !== null && { 'aria-sort': direction })}
    >
      {sort === undefined ? (
        column.label
      ) : (
        <button
          type="button"
          className={styles['sort']}
          {...(direction !== null && { 'data-active': true })}
          onClick={() => state.set({ sort: direction === 'descending' ? sort : `-${sort}` })}
        >
          {column.label}
          <Icon size={14} aria-hidden />
        </button>
      )}
    </th>
  );
}

/** Returns the window width up to which rows are shown as cards, because a table would have to scroll sideways. */
function getCardsMaxWidth(columnCount: number): string {
  if (columnCount >= 7) return '79em';
  return columnCount === 6 ? '66em' : '52em';
}

function getCellClass<Row>(column: Column<Row>, index: number): string | undefined {
  if (index === 0) return styles['first'];
  return column.align === 'right' ? styles['number'] : undefined;
}

interface TableRowProps<Row> {
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
  /** Undefined if rows cannot be selected. */
  readonly selection: { readonly name: string; readonly isSelected: boolean } | undefined;
  readonly onToggle: () => void;
  readonly isAttached: boolean;
  readonly renderActions: ((row: Row) => ReactNode) | undefined;
}

function TableRow<Row>({ row, columns, selection, onToggle, isAttached, renderActions }: TableRowProps<Row>) {
  return (
    <tr
      {...(selection?.isSelected === true && { 'data-selected': true })}
      {...(selection !== undefined && { 'data-selectable': true })}
      {...(isAttached && { 'data-attached': true })}
    >
      {selection !== undefined && (
        <td className={styles['select']}>
          <Checkbox
            size="xs"
            aria-label={strings.dataTable.selectRow(selection.name)}
            checked={selection.isSelected}
            onChange={onToggle}
          />
        </td>
      )}
      {columns.map((column, index) => (
        <td
          key={column.key}
          data-label={column.label}
          {...(column.wide === true && { 'data-wide': true })}
          className={getCellClass(column, index)}
        >
          <div>{column.cell(row)}</div>
        </td>
      ))}
      {renderActions !== undefined && <td className={styles['actions']}>{renderActions(row)}</td>}
    </tr>
  );
}

/**
 * One page of a list with sorting, selection, a menu per row and cursor pagination. Each row is a card if the window is
 * too narrow for the columns.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowId, rowName, state, selection, renderRowActions, nextCursor } = props;
  const isNarrow = useMediaQuery(`(max-width: ${getCardsMaxWidth(columns.length)})`, undefined, {
    getInitialValueInEffect: false,
  });
  const ids = rows.map(rowId);
  const selectedIds = ids.filter((id) => selection?.rows.has(id));

  /** Selects these rows, or deselects them if all of them are selected. */
  function toggle(toggledRows: readonly Row[]) {
    const selectedRows = new Map(selection?.rows);
    const areAllSelected = toggledRows.every((row) => selectedRows.has(rowId(row)));
    for (const row of toggledRows) {
      if (areAllSelected) selectedRows.delete(rowId(row));
      else selectedRows.set(rowId(row), row);
    }
    selection?.set(selectedRows);
  }

  return (
    <>
      <div
        className={isNarrow === true ? `${styles['frame']} ${styles['cards']}` : styles['frame']}
        {...(props.isStale === true && { 'aria-busy': true })}
      >
        <table className={styles['table']} aria-label={label}>
          <thead>
            <tr>
              {selection !== undefined && (
                <th scope="col" className={styles['select']} style={{ width: 40 }}>
                  <Checkbox
                    size="xs"
                    aria-label={strings.dataTable.selectPage}
                    checked={selectedIds.length === ids.length && ids.length > 0}
                    indeterminate={selectedIds.length > 0 && selectedIds.length < ids.length}
                    onChange={() => toggle(rows)}
                  />
                </th>
              )}
              {columns.map((column) => (
                <ColumnHeader key={column.key} column={column} state={state} />
              ))}
              {renderRowActions !== undefined && (
                <th scope="col" className={styles['actions']}>
                  <span className="visually-hidden">{strings.dataTable.actions}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody className={props.isStale === true ? styles['stale'] : undefined}>
            {rows.map((row) => (
              <TableRow
                key={rowId(row)}
                row={row}
                columns={columns}
                selection={selection && { name: rowName(row), isSelected: selection.rows.has(rowId(row)) }}
                onToggle={() => toggle([row])}
                isAttached={props.isAttached?.(row) === true}
                renderActions={renderRowActions}
              />
            ))}
          </tbody>
        </table>
      </div>
      {(nextCursor !== null || state.isLaterPage) && (
        <Group justify="space-between" mt="sm">
          <DimmedText role="status">{strings.dataTable.rowsOnPage(rows.length)}</DimmedText>
          <PageButtons
            state={state}
            nextCursor={nextCursor}
            labels={{
              first: strings.dataTable.firstPage,
              previous: strings.dataTable.previous,
              next: strings.dataTable.next,
            }}
          />
        </Group>
      )}
    </>
  );
}
