import { Anchor, Table } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { AuditEvent } from '../../contract/audit-events.ts';
import { DescriptionList } from '../components/description-list.tsx';
import { capitalize, formatDateTime } from '../components/format.ts';
import { mono } from '../components/text.tsx';
import { useWorkspace } from '../session.ts';
import styles from './activity-log.module.css';
import { strings } from './strings.ts';

/** The format of times in the API. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** Formats a value in the details of an event. */
function formatDetailValue(value: unknown): string {
  if (value === undefined) return '–';
  if (value === null) return strings.eventDetails.none;
  if (Array.isArray(value))
    return value.length === 0 ? strings.eventDetails.none : value.map(formatDetailValue).join(', ');
  if (typeof value === 'boolean') return value ? strings.eventDetails.yes : strings.eventDetails.no;
  if (typeof value === 'string' && INSTANT.test(value)) return formatDateTime(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function ChangesTable({ detail }: { readonly detail: AuditEvent['detail'] }) {
  const before = toRecord(detail['before']);
  const after = toRecord(detail['after']);
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (fields.length === 0) return null;
  // An event about a creation has no previous values.
  const hasBefore = Object.keys(before).length > 0;
  return (
    <Table className={styles['changes']} withRowBorders={false} horizontalSpacing="sm" verticalSpacing={4} fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{strings.eventDetails.field}</Table.Th>
          {hasBefore && <Table.Th scope="col">{strings.eventDetails.before}</Table.Th>}
          <Table.Th scope="col">{hasBefore ? strings.eventDetails.after : strings.eventDetails.value}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {fields.map((field) => (
          <Table.Tr key={field}>
            <Table.Th scope="row">{field}</Table.Th>
            {hasBefore && (
              <Table.Td data-label={strings.eventDetails.before}>
                <bdi>{formatDetailValue(before[field])}</bdi>
              </Table.Td>
            )}
            <Table.Td {...(hasBefore && { 'data-label': strings.eventDetails.after })}>
              <bdi>{formatDetailValue(after[field])}</bdi>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function FilterLink({
  filter,
  id,
  children,
}: {
  readonly filter: string;
  readonly id: string;
  readonly children: string;
}) {
  const { workspace } = useWorkspace();
  return (
    <Anchor
      fz="xs"
      renderRoot={(props) => (
        <Link to="/settings/activity-log" search={{ workspace: workspace.slug, [filter]: id }} {...props} />
      )}
    >
      {children}
    </Anchor>
  );
}

function Party({
  name,
  id,
  filter,
}: {
  readonly name: string | null;
  readonly id: string | null;
  readonly filter: string;
}) {
  return (
    <>
      <bdi>{name ?? '–'}</bdi>
      {id !== null && (
        <>
          {' '}
          <span className="mono">{id}</span>{' '}
          <FilterLink filter={filter} id={id}>
            {strings.eventDetails.filterByThis}
          </FilterLink>
        </>
      )}
    </>
  );
}

/** All recorded properties of an event. */
export function EventDetails({ event }: { readonly event: AuditEvent }) {
  const { actor, target, credential, address, userAgent, requestId, detail } = event;
  const otherDetails = Object.entries(detail).filter(([name]) => name !== 'before' && name !== 'after');
  const items: (readonly [string, ReactNode])[] = [
    [strings.eventDetails.items.time, formatDateTime(event.at)],
    [strings.eventDetails.items.action, mono(event.action)],
    [
      strings.eventDetails.items.actor,
      <Party key="actor" name={actor.name ?? actor.kind} id={actor.id} filter="actor" />,
    ],
  ];
  if (target !== null)
    items.push([
      strings.eventDetails.items.target,
      <Party key="target" name={target.name} id={target.id} filter="target" />,
    ]);
  if (credential !== null && credential.id !== target?.id && credential.id !== actor.id) {
    items.push([
      strings.eventDetails.items.credential,
      <Party key="credential" name={credential.name} id={credential.id} filter="credential" />,
    ]);
  }
  for (const [name, value] of otherDetails) items.push([capitalize(name), formatDetailValue(value)]);
  if (address !== null) items.push([strings.eventDetails.items.ipAddress, mono(address)]);
  if (userAgent !== null) items.push([strings.eventDetails.items.userAgent, userAgent]);
  if (requestId !== null) items.push([strings.eventDetails.items.requestId, mono(requestId)]);
  items.push(
    [strings.eventDetails.items.event, mono(`${event.sequence} · ${event.id}`)],
    [strings.eventDetails.items.hash, mono(event.hash)],
  );
  items.push([strings.eventDetails.items.previousHash, mono(event.previousHash)]);
  return (
    <div className={styles['details']}>
      <ChangesTable detail={detail} />
      <DescriptionList items={items} />
    </div>
  );
}
