import type { AuditEvent } from '../../contract/audit-events.ts';
import { csvRow } from '../../contract/csv.ts';
import type { AuditListQuery, Client } from '../../sdk/client.ts';
import { BYTE_ORDER_MARK } from '../components/download.ts';
import { createLineSplitter } from '../components/line-splitter.ts';
import { toPlainSentence } from './sentence.ts';

const COLUMNS: readonly (readonly [string, (event: AuditEvent) => string | number | null])[] = [
  ['sequence', (event) => event.sequence],
  ['at', (event) => event.at],
  ['action', (event) => event.action],
  ['sentence', toPlainSentence],
  ['actor_kind', (event) => event.actor.kind],
  ['actor_id', (event) => event.actor.id],
  ['actor_name', (event) => event.actor.name],
  ['target_kind', (event) => event.target?.kind ?? null],
  ['target_id', (event) => event.target?.id ?? null],
  ['target_name', (event) => event.target?.name ?? null],
  ['credential_kind', (event) => event.credential?.kind ?? null],
  ['credential_id', (event) => event.credential?.id ?? null],
  ['credential_name', (event) => event.credential?.name ?? null],
  ['address', (event) => event.address],
  ['user_agent', (event) => event.userAgent],
  ['request_id', (event) => event.requestId],
  ['detail', (event) => JSON.stringify(event.detail)],
  ['id', (event) => event.id],
  ['previous_hash', (event) => event.previousHash],
  ['hash', (event) => event.hash],
];

export type ExportFormat = 'ndjson' | 'csv';

function createFormatter(format: ExportFormat, onLine: () => void): TransformStream<string, string> {
  return new TransformStream({
    start(controller) {
      if (format === 'csv') controller.enqueue(BYTE_ORDER_MARK + csvRow(COLUMNS.map(([name]) => name)));
    },
    transform(line, controller) {
      onLine();
      if (format === 'ndjson') return controller.enqueue(`${line}\n`);
      const event = JSON.parse(line) as AuditEvent;
      controller.enqueue(csvRow(COLUMNS.map(([, cell]) => cell(event))));
    },
  });
}

/**
 * Returns a file with the events that match the query. `onProgress` is called after every 500 events with the number of
 * events read so far.
 */
export async function exportLog(
  api: Client,
  query: AuditListQuery,
  format: ExportFormat,
  onProgress: (eventCount: number) => void,
): Promise<Blob> {
  let eventCount = 0;
  const stream = await api.auditEvents.export(query);
  // The type of TextDecoderStream does not fit a stream of Uint8Array.
  const file = stream
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .pipeThrough(createLineSplitter())
    .pipeThrough(
      createFormatter(format, () => {
        eventCount++;
        if (eventCount % 500 === 0) onProgress(eventCount);
      }),
    )
    .pipeThrough(new TextEncoderStream());
  const blob = await new Response(file).blob();
  // Adds the media type.
  return blob.slice(0, blob.size, format === 'csv' ? 'text/csv' : 'application/x-ndjson');
}
